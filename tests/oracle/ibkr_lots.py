"""Lots of an IBKR account, one row after the other: a plain list of lots for each instrument.

Rows count in the order of (time, trades before corporate actions, transactionID). First in, first
out. An execution that was taken back is matched with the row that took it back, apart from the
rest. What was held before the first row has no price.

A lot is a stretch of what opened it. A corporate action lays the lots it takes out end to end over
H units and its own N units beside them: a point x of the one is x * N / H of the other, rounded up
to 1e-8. Of a lot that was carried on, the part that is closed costs the like part, cut down to
1e-8 of what was opened. So nothing is lost or made of the cost.

An option that is exercised or assigned makes no profit: what its lots made, before fees and in
fees, goes to the lots of the underlying row, evenly.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_DOWN, Context, Decimal, localcontext
from typing import Final, Literal

ZERO: Final = Decimal(0)
UNITS: Final = 10**8
BILLIONTH: Final = Decimal("1e-9")
TRILLIONTH: Final = Decimal("1e-12")
EXACT: Final = Context(prec=90)
RESCALING: Final = ("FS", "RS", "FI", "SD", "HD")

Flag = Literal["open", "close", "both"] | None
Booking = Literal["execution", "cancel", "expiry", "exercise", "assignment", "booked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A row of trades; the quantity is signed, the fee None while nobody has stated it."""

    row_id: str
    instrument: str
    at: datetime
    quantity: Decimal
    price: Decimal
    sequence: int | None = None
    fee: Decimal | None = ZERO
    multiplier: Decimal = Decimal(1)
    booking: Booking = "execution"
    flag: Flag = None
    trade_id: str | None = None
    cancels: str | None = None
    underlying: str | None = None
    strike: Decimal | None = None
    call: bool | None = None
    day: date = date.min


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A row of a corporate action; the quantity is the change."""

    row_id: str
    action_id: str
    sort: str
    instrument: str
    at: datetime
    quantity: Decimal
    proceeds: Decimal = ZERO
    day: date = date.min

    @property
    def sequence(self) -> int:
        """The transactionID."""
        return int(self.row_id)


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement with open positions: all of them at the end of its last day."""

    day: date
    positions: dict[str, Decimal]


@dataclass(slots=True)
class Account:
    """Everything that an account's statements tell."""

    trades: list[Trade] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    statements: list[Stated] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Movement:
    """What changes a holding."""

    row_id: str
    units: int
    price: Decimal | None
    fee: Decimal | None
    multiplier: Decimal
    kind: str
    proceeds: Decimal | None = None
    carries: bool = False
    gives: bool = False
    lost: bool = False
    premium: Decimal | None = ZERO

    @property
    def sign(self) -> int:
        """Buying or selling."""
        return 1 if self.units > 0 else -1


@dataclass(slots=True)
class Lot:
    """A stretch of an opening, as `units` since it was opened or last carried on."""

    opening: Movement
    trade_id: str
    units: int
    opened_from: int
    opened_to: int
    used: int = 0

    def reaches(self, used: int) -> int:
        """Return how far into the opening so many of its units reach."""
        return self.opened_from + used * (self.opened_to - self.opened_from) // self.units


@dataclass(slots=True)
class Match:
    """A part of a lot that something closed; nothing yet if `closing` is None."""

    opening: Movement
    trade_id: str
    instrument: str
    units: int
    opened_from: int
    opened_to: int
    closing: Movement | None = None
    closed_from: int = 0
    closed_to: int = 0
    lives_on: bool = False

    @property
    def open_worth(self) -> Decimal | None:
        """What it was worth when it was opened."""
        size = self.opened_to - self.opened_from
        return _worth(size, self.opening.price, self.opening.multiplier)


@dataclass(slots=True)
class Holding:
    """One instrument: its lots, and the round trip that goes on."""

    lots: list[Lot] = field(default_factory=list)
    trip: str = ""


@dataclass(slots=True)
class Replayed:
    """What became of an account."""

    matches: list[Match]
    open: list[Match]
    openings: dict[str, Decimal]
    premiums: dict[str, tuple[str, Decimal | None, Decimal | None]]


def _worth(units: int, price: Decimal | None, multiplier: Decimal) -> Decimal | None:
    return None if price is None else Decimal(units) / UNITS * price * multiplier


def _units(quantity: Decimal) -> int:
    return int(quantity * UNITS)


def share(
    amount: Decimal | None, start: int, end: int, total: int, places: Decimal
) -> Decimal | None:
    """Return what a stretch bears of an amount, cut so that all stretches add up to it."""
    if amount is None:
        return None

    def up_to(units: int) -> Decimal:
        if units == total:
            return amount
        return (amount * units / total).quantize(places, ROUND_DOWN)

    return up_to(end) - up_to(start)


def replay(account: Account) -> Replayed:
    """Replay an account."""
    with localcontext(EXACT):
        run = _Run(account)
        run.go()
        open_ = [
            Match(
                lot.opening, lot.trade_id, name[0], lot.units - lot.used,
                lot.reaches(lot.used), lot.opened_to,
            )
            for name, holding in run.holdings.items()
            for lot in holding.lots
        ]  # fmt: skip
        return Replayed(run.matches, open_, run.openings, run.premiums)


def in_order(rows: Iterable[Trade | Action]) -> list[Trade | Action]:
    """Return rows in the order in which they count."""
    return sorted(
        rows,
        key=lambda row: (
            row.at,
            isinstance(row, Action),
            row.sequence is None,
            row.sequence or 0,
            row.row_id,
        ),
    )


def taken_back(trades: Sequence[Trade]) -> dict[str, str]:
    """Return the original of each row that was taken back or took back."""
    booked: dict[str, list[Trade]] = defaultdict(list)
    cancels: dict[str, list[Trade]] = defaultdict(list)
    for row in sorted(
        trades, key=lambda row: (row.sequence is None, row.sequence or 0, row.row_id)
    ):
        if row.booking == "cancel":
            cancels[row.cancels or ""].append(row)
        elif row.trade_id is not None:
            booked[row.trade_id].append(row)
    found: dict[str, str] = {}
    for trade_id, rows in cancels.items():
        for original, cancel in zip(booked.get(trade_id, ()), rows, strict=False):
            same = original.instrument == cancel.instrument
            if same and original.quantity == -cancel.quantity:
                found |= {original.row_id: original.row_id, cancel.row_id: original.row_id}
    return found


def openings_of(account: Account) -> dict[str, Decimal]:
    """Return what must have been there before the first row."""
    rows = in_order([*account.trades, *account.actions])
    found: dict[str, Decimal] = defaultdict(Decimal)
    if account.statements:
        first = min(account.statements, key=lambda stated: stated.day)
        for instrument, quantity in first.positions.items():
            found[instrument] += quantity
        for row in rows:
            if row.day <= first.day:
                found[row.instrument] -= row.quantity
    else:
        for instrument in {row.instrument for row in rows}:
            found[instrument] = _by_closing([r for r in rows if r.instrument == instrument], rows)
    return {instrument: quantity for instrument, quantity in found.items() if quantity}


def _by_closing(own: list[Trade | Action], rows: list[Trade | Action]) -> Decimal:
    """Return the least that rows called closing must have found."""
    least, after = ZERO, ZERO
    for row in own:
        before, after = after, after + row.quantity
        if isinstance(row, Trade):
            closes = row.flag == "close" and row.booking != "cancel"
        else:
            closes = row.quantity < 0 <= before and not _of_a_short(row, rows)
        excess = after if closes and (after > 0) == (row.quantity > 0) else ZERO
        if (abs(excess), excess) > (abs(least), least):
            least = excess
    return -least


def _of_a_short(row: Action, rows: list[Trade | Action]) -> bool:
    """Whether the action takes a short position away: it gives a short one in something else."""
    for other in rows:
        if isinstance(other, Action) and other.action_id == row.action_id and other.quantity > 0:
            told = [r for r in rows if r.instrument == other.instrument]
            before = sum((r.quantity for r in told[: told.index(other)]), ZERO)
            if before < 0:
                return True
    return False


class _Run:
    def __init__(self, account: Account) -> None:
        self.account = account
        self.rows = in_order([*account.trades, *account.actions])
        self.openings = openings_of(account)
        self.multipliers = {row.instrument: row.multiplier for row in account.trades}
        self.holdings: dict[tuple[str, str], Holding] = defaultdict(Holding)
        self.matches: list[Match] = []
        self.premiums: dict[str, tuple[str, Decimal | None, Decimal | None]] = {}
        self.moved: dict[str, Movement] = {}
        self.back = taken_back(account.trades)
        counted = [row for row in self.rows if row.row_id not in self.back]
        self.exchanges = _exchanges(counted, self.openings)
        self.taken: dict[str, tuple[list[Match], str]] = {}

    def go(self) -> None:
        """Take one row after the other, then let options hand over what they made."""
        for instrument, quantity in self.openings.items():
            movement = self._unpriced(f"opening-{instrument}", instrument, quantity, "opening")
            self._take(instrument, movement)
        for row in self.rows:
            if isinstance(row, Action):
                self._act(row)
                continue
            movement = Movement(
                row_id=row.row_id,
                units=_units(row.quantity),
                price=row.price,
                fee=row.fee,
                multiplier=row.multiplier,
                kind="fill" if row.booking in ("execution", "booked") else row.booking,
            )
            self.moved[row.row_id] = movement
            self._take(row.instrument, movement, self.back.get(row.row_id, ""))
        self._hand_over()
        self.matches = [
            match
            for match in self.matches
            if not match.lives_on or (match.closing and match.closing.proceeds)
        ]

    def _unpriced(self, row_id: str, instrument: str, quantity: Decimal, kind: str) -> Movement:
        multiplier = self.multipliers.get(instrument, Decimal(1))
        return Movement(row_id, _units(quantity), None, ZERO, multiplier, kind)

    def _take(self, instrument: str, movement: Movement, apart: str = "") -> list[Match]:
        """Close what is open on the other side, first in first out; open the rest."""
        holding = self.holdings[instrument, apart]
        found = self._close(holding, instrument, movement)
        size, closed = abs(movement.units), sum(match.units for match in found)
        if closed < size:
            if not holding.lots:
                holding.trip = movement.row_id
            holding.lots.append(Lot(movement, holding.trip, size - closed, closed, size))
        return found

    def _close(self, holding: Holding, instrument: str, movement: Movement) -> list[Match]:
        size, closed = abs(movement.units), 0
        found: list[Match] = []
        while holding.lots and holding.lots[0].opening.sign != movement.sign and closed < size:
            lot = holding.lots[0]
            part = min(lot.units - lot.used, size - closed)
            stretch = lot.reaches(lot.used), lot.reaches(lot.used + part)
            reached = closed, closed + part
            found.append(
                Match(lot.opening, lot.trade_id, instrument, part, *stretch, movement, *reached)
            )
            lot.used += part
            closed += part
            if lot.used == lot.units:
                holding.lots.pop(0)
        self.matches += found
        return found

    def _act(self, row: Action) -> None:
        exchange = self.exchanges[row.row_id]
        if exchange.taken:
            out = self._unpriced(row.row_id, row.instrument, exchange.taken, "corporate_action")
            out.carries, out.lost = exchange.carries, exchange.lost
            out.proceeds = row.proceeds
            if exchange.partner is not None:
                out.proceeds += self.exchanges[exchange.partner].proceeds
            trip = self.holdings[row.instrument, ""].trip
            self.taken[row.row_id] = self._take(row.instrument, out), trip
        if exchange.given and exchange.source is None:
            came = self._unpriced(row.row_id, row.instrument, exchange.given, "corporate_action")
            self._take(row.instrument, came)
        for coming in filter(None, (row.row_id, exchange.partner)):
            source = self.exchanges[coming].source
            seen = coming == row.row_id or self.exchanges[coming].seen
            if source is not None and source in self.taken and seen:
                self._carry_on(coming, *self.taken.pop(source))
        exchange.seen = True

    def _carry_on(self, row_id: str, taken: list[Match], trip: str) -> None:
        """Put lots that were taken out into what came for them."""
        exchange = self.exchanges[row_id]
        holding = self.holdings[exchange.instrument, ""]
        came = self._unpriced(row_id, exchange.instrument, exchange.given, "corporate_action")
        closed = self._close(holding, exchange.instrument, came)
        out, into = (sum(match.units for match in matches) for matches in (taken, closed))
        into = abs(came.units) - into
        if into and not holding.lots:
            holding.trip = trip
        if not into and taken and taken[0].closing:
            taken[0].closing.lost = True
        reached = 0
        for match in taken:
            start, reached = reached, reached + match.units
            units = -(-reached * into // out) + (-start * into // out)
            match.lives_on = units > 0
            if units:
                stretch = match.opened_from, match.opened_to
                holding.lots.append(Lot(match.opening, match.trade_id, units, *stretch))

    def _hand_over(self) -> None:
        stocks = [row for row in self.rows if isinstance(row, Trade) and row.strike is None]
        for option in self.rows:
            if not isinstance(option, Trade) or option.strike is None:
                continue
            if option.booking not in ("exercise", "assignment"):
                continue
            for stock in stocks:
                if _comes_of(stock, option):
                    stocks.remove(stock)
                    self._hand_on(option, stock)
                    break

    def _hand_on(self, option: Trade, stock: Trade) -> None:
        out, into = self.moved[option.row_id], self.moved[stock.row_id]
        ended = [match for match in self.matches if match.closing is out]
        if not ended:
            return
        premium, fees = _total(map(gross_of, ended)), _total(map(fees_of, ended))
        out.gives = True
        into.premium = premium
        into.fee = None if into.fee is None or fees is None else into.fee + fees
        self.premiums[option.row_id] = stock.row_id, premium, fees


def _comes_of(stock: Trade, option: Trade) -> bool:
    buys = option.call == (option.quantity < 0)
    return (
        (stock.booking, stock.at, stock.instrument, stock.price)
        == (option.booking, option.at, option.underlying, option.strike)
        and abs(stock.quantity) == abs(option.quantity) * option.multiplier
        and (stock.quantity > 0) == buys
    )


def _total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    listed = list(amounts)
    return None if None in listed else sum((amount or ZERO for amount in listed), ZERO)


@dataclass(slots=True)
class _Exchange:
    """What a row of a corporate action takes out and puts in, signed as the holding changes."""

    instrument: str
    proceeds: Decimal
    taken: Decimal = ZERO
    given: Decimal = ZERO
    source: str | None = None
    carries: bool = False
    lost: bool = False
    partner: str | None = None
    seen: bool = False


def _exchanges(rows: list[Trade | Action], openings: dict[str, Decimal]) -> dict[str, _Exchange]:
    held = defaultdict(Decimal, openings)
    found: dict[str, _Exchange] = {}
    rows_of: dict[str, list[Action]] = defaultdict(list)
    for row in rows:
        before = held[row.instrument]
        held[row.instrument] = after = before + row.quantity
        if isinstance(row, Trade):
            continue
        rows_of[row.action_id].append(row)
        found[row.row_id] = one = _Exchange(row.instrument, row.proceeds)
        if before * row.quantity < 0 and abs(row.quantity) <= abs(before):
            one.taken = row.quantity
        else:
            one.given = row.quantity
        alone = sum(r.action_id == row.action_id for r in rows if isinstance(r, Action)) == 1
        if alone and row.sort in RESCALING and before * after > 0:
            one.taken, one.given = -before, after
            one.source, one.carries = row.row_id, True
    for rows_ in rows_of.values():
        going = [row.row_id for row in rows_ if found[row.row_id].taken]
        coming = [row.row_id for row in rows_ if not found[row.row_id].taken]
        if len(going) == len(coming) == 1 and _turns(found[going[0]], found[coming[0]]):
            found[coming[0]].source = going[0]
            found[going[0]].carries = True
            found[going[0]].partner = coming[0]
        elif len(rows_) > 1:
            for row_id in going:
                found[row_id].lost = True
    return found


def _turns(going: _Exchange, coming: _Exchange) -> bool:
    """Whether what is long stays long, and what is short short."""
    return going.taken * coming.given < 0


def gross_of(match: Match) -> Decimal | None:
    """Return what a match made before fees, apart from premium that was handed to it."""
    closing = match.closing
    assert closing is not None
    if closing.lost:
        return None
    if closing.proceeds is not None:
        size = abs(closing.units)
        cash = share(closing.proceeds, match.closed_from, match.closed_to, size, TRILLIONTH)
        if match.lives_on:
            return None if match.opening.price is None else cash
        worth: Decimal | None = cash
    else:
        worth = _worth(match.units, closing.price, closing.multiplier)
        worth = None if worth is None else match.opening.sign * worth
    cost = match.open_worth
    return None if worth is None or cost is None else worth - match.opening.sign * cost


def fees_of(match: Match) -> Decimal | None:
    """Return what a match bears of both fees."""
    if match.closing is not None and (match.lives_on or match.closing.gives):
        return ZERO
    opening, closing = match.opening, match.closing
    first = share(opening.fee, match.opened_from, match.opened_to, abs(opening.units), BILLIONTH)
    if closing is None:
        return first
    last = share(closing.fee, match.closed_from, match.closed_to, abs(closing.units), BILLIONTH)
    return None if first is None or last is None else first + last


def premium_of(match: Match) -> tuple[Decimal, bool]:
    """Return the premium that options handed to a match, as far as known, and whether all is."""
    opening, closing = match.opening, match.closing
    if match.lives_on:
        return ZERO, opening.premium is not None
    shares = [
        share(opening.premium, match.opened_from, match.opened_to, abs(opening.units), TRILLIONTH)
    ]
    if closing is not None:
        size = abs(closing.units)
        shares.append(share(closing.premium, match.closed_from, match.closed_to, size, TRILLIONTH))
    return sum((one for one in shares if one is not None), ZERO), None not in shares
