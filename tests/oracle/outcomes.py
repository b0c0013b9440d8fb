"""Outcomes of an account on Kalshi, trade by trade in plain Python, with exact fractions.

The trades are those of `tests.oracle.tables`; what the bot said comes as plain rows. Each
exit looks for its trade, and each trade for its exits and quotes, one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tests.oracle.tables import Row

MINUTE = timedelta(seconds=60)
HALF_PERCENT = Fraction(1, 200)


@dataclass(frozen=True, slots=True)
class Exit:
    """An exit as the bot told it, with the reason that its spelling stands for."""

    instrument_id: str
    exited_at: datetime
    exit_id: str
    reason: str
    last: bool = False
    order_id: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote; what was not quoted is None."""

    instrument_id: str
    quoted_at: datetime
    mid: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(slots=True)
class Trip:
    """A round trip with its lots, and the exits that turned out to be its own."""

    trade: Row
    matches: list[Row]
    still: list[Row]
    exits: list[Exit] = field(default_factory=list)

    @property
    def sign(self) -> int:
        """Long or short of YES."""
        return 1 if self.trade["direction"] == "long" else -1

    @property
    def lots(self) -> list[Row]:
        """All lots, closed and open."""
        return self.matches + self.still

    @property
    def closed_at(self) -> datetime | None:
        """When it was flat by the broker's rows."""
        at = self.trade["closed_at"]
        assert at is None or isinstance(at, datetime)
        return at


def number(row: Row, name: str) -> Fraction:
    """Return a number of a row."""
    value = row[name]
    assert isinstance(value, Decimal)
    return Fraction(value)


def moment(row: Row, name: str) -> datetime:
    """Return a time of a row."""
    value = row[name]
    assert isinstance(value, datetime)
    return value


def cut(value: Fraction) -> Decimal:
    """Cut to 9 places, towards zero."""
    return Decimal(int(value * 10**9)).scaleb(-9)


def worth(lots: Iterable[Row]) -> Fraction:
    """Return contracts times opening price of YES."""
    return sum((number(lot, "quantity") * number(lot, "open_price") for lot in lots), Fraction())


def contracts(lots: Iterable[Row]) -> Fraction:
    """Return how many contracts lots have."""
    return sum((number(lot, "quantity") for lot in lots), Fraction())


def outcomes(
    tables: Mapping[str, Sequence[Row]],
    orders: Mapping[str, str],
    exits: Sequence[Exit],
    quotes: Sequence[Quote],
) -> tuple[list[Row], list[Exit]]:
    """Return outcomes, and the exits to which no trade belongs; `orders` says a fill's order."""
    trips = [
        Trip(
            trade,
            [lot for lot in tables["lot_match"] if lot["trade_id"] == trade["trade_id"]],
            [lot for lot in tables["open_lot"] if lot["trade_id"] == trade["trade_id"]],
        )
        for trade in tables["trade"]
    ]
    trips.sort(key=lambda trip: (moment(trip.trade, "opened_at"), str(trip.trade["trade_id"])))
    alone = []
    for told in exits:
        own = trip_of(told, trips, orders)
        if own is None:
            alone.append(told)
        else:
            own.exits.append(told)
    for trip in trips:
        trip.exits.sort(key=lambda one: (one.exited_at, one.exit_id))
    made = [outcome(trip, quotes, orders) for trip in trips]
    return [row for row in made if row is not None], alone


def trip_of(told: Exit, trips: Iterable[Trip], orders: Mapping[str, str]) -> Trip | None:
    """Return the trade that an exit is of: by its order, else by the time."""
    own = [trip for trip in trips if trip.trade["instrument_id"] == told.instrument_id]
    fitting = [trip for trip in own if told.order_id and answers(told, trip, orders)]
    fitting = fitting or [trip for trip in own if within(told, trip)]

    def far(trip: Trip) -> tuple[bool, timedelta]:
        if trip.closed_at is None:
            return True, timedelta()
        return False, abs(trip.closed_at - told.exited_at)

    return min(fitting, key=far, default=None)


def answers(told: Exit, trip: Trip, orders: Mapping[str, str]) -> bool:
    """Say whether a fill of the exit's order closed a part of the trade."""
    return any(
        lot["close_kind"] == "fill" and orders[str(lot["close_id"])] == told.order_id
        for lot in trip.matches
    )


def within(told: Exit, trip: Trip) -> bool:
    """Say whether an exit was told while a trade was held, or within a minute of its closing."""
    if told.exited_at < moment(trip.trade, "opened_at"):
        return False
    return trip.closed_at is None or told.exited_at <= trip.closed_at + MINUTE


def outcome(trip: Trip, quotes: Sequence[Quote], orders: Mapping[str, str]) -> Row | None:
    """Return the outcome of a trade, if it has ended by the broker's rows or by the bot's word."""
    size = contracts(trip.lots)
    cost = worth(trip.lots) if trip.sign > 0 else size - worth(trip.lots)
    if trip.closed_at is not None:
        net = trip.trade["realized_net"]
        made = None if net is None else number(trip.trade, "realized_net")
        quality, ended_at, estimate = "broker", trip.closed_at, None
    else:
        lasts = [one.exited_at for one in trip.exits if one.last]
        if not lasts or max(moment(lot, "opened_at") for lot in trip.lots) > max(lasts):
            return None
        net, ended_at = None, max(lasts)
        quality, value = valued(trip, ended_at, quotes, orders)
        estimate = None if value is None else trip.sign * (value - worth(trip.still))
        made = None if estimate is None else estimate + number(trip.trade, "realized_gross")
    reason, hit = reason_of(trip)
    return {
        "trade_id": trip.trade["trade_id"],
        "quality": quality,
        "result": result_of(made, cost),
        "unknown_because": None
        if made is not None
        else ("fee_pending" if quality == "broker" else "executions_missing"),
        "exit_reason": reason,
        "hit_tp": hit,
        "cost": cost,
        "realized_net": None if net is None else made,
        "estimated_gross": estimate,
        "return_on_cost": None if made is None or not cost else cut(made / cost),
        "closed_at": ended_at,
        **excursion(trip, ended_at, quotes),
    }


def result_of(made: Fraction | None, cost: Fraction) -> str:
    """Return win or loss, by money alone."""
    if made is None:
        return "unknown"
    if abs(made) <= HALF_PERCENT * cost:
        return "breakeven"
    return "win" if made > 0 else "loss"


def reason_of(trip: Trip) -> tuple[str, bool | None]:
    """Return why a trade was left, and whether it took its profit."""
    hit = None
    if trip.exits:
        reasons = [one.reason for one in trip.exits]
        hit = "take_profit" in reasons or (None if "undeclared" in reasons else False)
        if trip.closed_at is None:
            return reasons[-1], hit
    last = max(trip.matches, key=lambda lot: (moment(lot, "closed_at"), lot["close_kind"]))
    by_fill = last["close_kind"] == "fill"
    if trip.exits and (by_fill or trip.exits[-1].exited_at >= moment(last, "closed_at") - MINUTE):
        return reasons[-1], hit
    if by_fill:
        return "not_told", None
    return str(last["close_kind"]), hit if trip.exits else False


def valued(
    trip: Trip, ended_at: datetime, quotes: Sequence[Quote], orders: Mapping[str, str]
) -> tuple[str, Fraction | None]:
    """Return how what is open can be valued, and what it was worth in YES."""
    need = contracts(trip.still)
    value = Fraction()
    last = max((moment(lot, "closed_at") for lot in trip.matches), default=None)
    for one in trip.exits:
        answered = bool(one.order_id) and answers(one, trip, orders)
        early = last is not None and one.exited_at <= last + MINUTE
        if answered or early or one.exited_at > ended_at or one.price is None:
            continue
        part = need if one.quantity is None else min(need, Fraction(one.quantity))
        value += part * Fraction(one.price)
        need -= part
    if not need:
        return "healed_from_partials", value
    path = [(recorded, at, twice) for at, recorded, twice in seen(trip, ended_at, quotes)]
    if not path:
        return "lost", None
    # half of bid and ask together, cut to 9 places like any price
    price = Fraction(cut(max(path)[2] / 2))
    return "healed_from_quote", contracts(trip.still) * price


def seen(
    trip: Trip, ended_at: datetime, quotes: Iterable[Quote]
) -> list[tuple[datetime, bool, Fraction]]:
    """Return time, whether the middle was recorded, and twice the middle of all quotes."""
    found = []
    for one in quotes:
        inside = moment(trip.trade, "opened_at") <= one.quoted_at <= ended_at
        if one.instrument_id != trip.trade["instrument_id"] or not inside:
            continue
        if one.mid is not None:
            found.append((one.quoted_at, True, 2 * Fraction(one.mid)))
        elif one.bid is not None and one.ask is not None:
            found.append((one.quoted_at, False, Fraction(one.bid) + Fraction(one.ask)))
    return found


def excursion(trip: Trip, ended_at: datetime, quotes: Iterable[Quote]) -> Row:
    """Return how far the middle went either way, along one kind of price."""
    path = seen(trip, ended_at, quotes)
    recorded = any(is_recorded for _, is_recorded, _ in path)
    middles = [twice / 2 for _, is_recorded, twice in path if is_recorded == recorded]
    if not middles:
        return {"quotes": 0, "mae": None, "mfe": None}
    average = worth(trip.lots) / contracts(trip.lots)
    away = [trip.sign * (middle - average) for middle in middles]
    return {
        "quotes": len(middles),
        "mae": min(cut(min(away)), Decimal(0)),
        "mfe": max(cut(max(away)), Decimal(0)),
    }
