"""All holdings of one account as the rows that the projections publish, without log positions.

What the fee of a fill is, where the fill does not say it: the settlement states the fees of the
whole market. Take off what other fills of the market state; the rest lies evenly over the
contracts of the settlement that no stated fee belongs to, in ledger order, cut to a billionth as
it adds up. Where that cannot be (a negative rest, more silent contracts than the settlement
counts) the fees stay unknown.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal, localcontext

from tests.oracle.lots import (
    BILLIONTH,
    EXACT,
    ONE,
    ZERO,
    Fill,
    Holding,
    Lot,
    Match,
    Settlement,
    fee_of,
    replay,
)

Row = dict[str, object]
Tables = dict[str, list[Row]]
BOOK = {"venue": "kalshi", "account": "main", "mode": "live"}


@dataclass(slots=True)
class Ledger:
    """Fills and settlements of one account, and the prefixes that name its strategies."""

    fills: dict[str, Fill] = field(default_factory=dict)
    settlements: dict[str, Settlement] = field(default_factory=dict)
    strategies: Mapping[str, str] = field(default_factory=dict)

    def strategy(self, fill: Fill) -> str:
        """Return the strategy of the longest prefix that fits."""
        fitting = [p for p in self.strategies if (fill.client_order_id or "").startswith(p)]
        if fill.client_order_id is None or not fitting:
            return "unattributed"
        return self.strategies[max(fitting, key=len)]

    def tables(self) -> Tables:
        """Return every table below the fills."""
        made: Tables = defaultdict(list)
        by_market: dict[str, list[Fill]] = defaultdict(list)
        for fill in self.fills.values():
            by_market[fill.instrument_id].append(fill)
        with localcontext(EXACT):
            for ticker in sorted(by_market.keys() | self.settlements.keys()):
                self._market(made, by_market[ticker], self.settlements.get(ticker))
            made["daily_pnl"] = daily(made["lot_match"])
        return made

    def _market(self, made: Tables, fills: list[Fill], settlement: Settlement | None) -> None:
        fees = known_fees(fills, settlement)
        revenue = ZERO
        for subaccount in sorted({fill.subaccount for fill in fills}):
            own = [fill for fill in fills if fill.subaccount == subaccount]
            held = replay(own, settlement, fees)
            revenue += held.paid
            _Rows(self, own[0], fees).write(made, own, held, settlement)
        if settlement is not None:
            made["settlement"].append(settlement_row(fills, settlement, revenue))


def known_fees(fills: Iterable[Fill], settlement: Settlement | None) -> dict[str, Decimal | None]:
    """Return the fee of each fill as far as anybody stated it."""
    fills = sorted(fills, key=lambda fill: (fill.executed_at, fill.fill_id))
    fees = {fill.fill_id: fill.fee for fill in fills}
    silent = [fill for fill in fills if fill.fee is None]
    if settlement is None or settlement.fee is None or not silent:
        return fees
    stated = [fill for fill in fills if fill.fee is not None]
    rest = settlement.fee - sum((fill.fee or ZERO for fill in stated), ZERO)
    contracts = settlement.yes_quantity + settlement.no_quantity
    contracts -= sum((fill.quantity for fill in stated), ZERO)
    if rest < 0 or sum((fill.quantity for fill in silent), ZERO) > contracts:
        return fees
    reached = ZERO
    for fill in silent:
        fees[fill.fill_id] = fee_of(rest, reached, reached + fill.quantity, contracts)
        reached += fill.quantity
    return fees


def settlement_row(fills: list[Fill], settlement: Settlement, paid: Decimal) -> Row:
    """Return what the broker says of the settlement beside what the fills say."""
    told = (settlement.yes_quantity, settlement.no_quantity)
    filled = tuple(
        sum((fill.quantity for fill in fills if fill.side == side), ZERO) for side in ("yes", "no")
    )
    fills_state = "none" if not fills else "complete" if filled == told else "incomplete"
    due = paid if fills_state == "complete" else _due_by_counts(settlement)
    if due is None:
        state = "unchecked"
    elif due == settlement.revenue:
        state = "netted" if told[0] == told[1] > 0 else "agrees"
    else:
        state = "missing" if settlement.revenue == 0 else "differs"
    return {
        **BOOK,
        "instrument_id": settlement.instrument_id,
        "yes_filled": filled[0] if fills else None,
        "no_filled": filled[1] if fills else None,
        "fills_state": fills_state,
        "revenue_computed": paid if fills else None,
        "revenue_state": state,
    }


def _due_by_counts(settlement: Settlement) -> Decimal | None:
    if settlement.payout is None:
        return None
    net = settlement.yes_quantity - settlement.no_quantity
    due = net * settlement.payout if net > 0 else -net * (1 - settlement.payout)
    return due.quantize(Decimal("0.01"), ROUND_FLOOR)


@dataclass(slots=True)
class _Rows:
    """The rows of one holding."""

    ledger: Ledger
    any_fill: Fill
    fees: dict[str, Decimal | None]

    @property
    def head(self) -> Row:
        """What every row of the holding begins with."""
        return {
            **BOOK,
            "subaccount": self.any_fill.subaccount,
            "instrument_id": self.any_fill.instrument_id,
        }

    def write(
        self, made: Tables, fills: list[Fill], held: Holding, settlement: Settlement | None
    ) -> None:
        made["lot_match"] += [self.match(match) for match in held.matches]
        made["open_lot"] += [self.open_lot(lot) for lot in held.lots]
        if held.lots:
            made["position"].append(self.position(held.lots))
        made["trade"] += self.trades(held)
        made["cash_ledger"] += self.cash(fills, held, settlement)

    def match(self, match: Match) -> Row:
        return {
            **self.head,
            "open_fill_id": match.lot.fill_id,
            "close_id": match.close_id,
            "close_kind": match.close_kind,
            "trade_id": match.trade_fill_id,
            "strategy": self.ledger.strategy(match.lot),
            "open_strategy": self.ledger.strategy(match.lot),
            "close_strategy": match.closing and self.ledger.strategy(match.closing),
            "direction": "long" if match.lot.sign > 0 else "short",
            "quantity": match.quantity,
            "open_price": match.lot.yes_price,
            "close_price": match.close_price,
            "multiplier": ONE,
            "rounding": match.rounding,
            "realized_gross": match.gross,
            "fee_state": "pending" if match.fees is None else "complete",
            "fees": match.fees,
            "realized_net": None if match.fees is None else match.gross - match.fees,
            "currency": "USD",
            "opened_at": match.lot.executed_at,
            "closed_at": match.closed_at,
        }

    def open_lot(self, lot: Lot) -> Row:
        total = lot.fill.quantity
        fees = fee_of(self.fees[lot.fill.fill_id], lot.used, total, total)
        return {
            **self.head,
            "open_fill_id": lot.fill.fill_id,
            "trade_id": lot.trade_fill_id,
            "strategy": self.ledger.strategy(lot.fill),
            "direction": "long" if lot.fill.sign > 0 else "short",
            "quantity": lot.open,
            "open_price": lot.fill.yes_price,
            "multiplier": ONE,
            "cost": lot.open * lot.fill.own_price,
            "fee_state": "pending" if fees is None else "complete",
            "fees": fees,
            "currency": "USD",
            "opened_at": lot.fill.executed_at,
        }

    def position(self, lots: Iterable[Lot]) -> Row:
        lots = list(lots)
        size = sum((lot.open for lot in lots), ZERO)
        value = sum((lot.open * lot.fill.yes_price for lot in lots), ZERO)
        return {
            **self.head,
            "quantity": size * lots[0].fill.sign,
            "average_price": (value / size).quantize(BILLIONTH, ROUND_FLOOR),
            "cost": sum((lot.open * lot.fill.own_price for lot in lots), ZERO),
            "currency": "USD",
        }

    def trades(self, held: Holding) -> list[Row]:
        closed: dict[str, list[Match]] = defaultdict(list)
        still: dict[str, list[Lot]] = defaultdict(list)
        for match in held.matches:
            closed[match.trade_fill_id].append(match)
        for lot in held.lots:
            still[lot.trade_fill_id].append(lot)
        return [
            self.trade(first, closed[first], still[first])
            for first in dict.fromkeys([*closed, *still])
        ]

    def trade(self, first: str, closed: list[Match], still: list[Lot]) -> Row:
        opener = self.ledger.fills[first]
        fees = [match.fees for match in closed if match.fees is not None]
        complete = len(fees) == len(closed)
        gross = sum((match.gross for match in closed), ZERO)
        quantity = sum((match.quantity for match in closed), ZERO)
        quantity += sum((lot.open for lot in still), ZERO)
        return {
            "trade_id": first,
            **self.head,
            "strategy": self.ledger.strategy(opener),
            "direction": "long" if opener.sign > 0 else "short",
            "quantity": quantity,
            "opened_at": opener.executed_at,
            "closed_at": None if still else max(match.closed_at for match in closed),
            "realized_gross": gross,
            "fee_state": "complete" if complete else "pending",
            "fees": sum(fees, ZERO) if complete else None,
            "realized_net": gross - sum(fees, ZERO) if complete else None,
            "currency": "USD",
        }

    def cash(
        self, fills: Sequence[Fill], held: Holding, settlement: Settlement | None
    ) -> list[Row]:
        rows = [
            self.entry(-f.quantity * f.own_price, "fill", f.fill_id, f.executed_at) for f in fills
        ]
        for fill in fills:
            fee = self.fees[fill.fill_id]
            if fee:
                rows.append(self.entry(-fee, "fee", fill.fill_id, fill.executed_at))
        for fill, pairs in held.redeemed:
            rows.append(self.entry(pairs, "redemption", fill.fill_id, fill.executed_at))
        if settlement is not None and held.paid:
            ticker, moment = settlement.instrument_id, settlement.settled_at
            rows.append(self.entry(held.paid, "settlement", ticker, moment))
        return rows

    def entry(self, amount: Decimal, cause: str, reference: str, moment: datetime) -> Row:
        return {
            **self.head,
            "currency": "USD",
            "at": moment,
            "amount": amount,
            "cause": cause,
            "reference": reference,
        }


def daily(matches: Iterable[Row]) -> list[Row]:
    """Return realized P&L by UTC day of closing, strategy and family, unknown fees apart."""
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for match in matches:
        closed_at, ticker = match["closed_at"], str(match["instrument_id"])
        assert isinstance(closed_at, datetime)
        day = closed_at.astimezone(UTC).date()
        family = ticker.partition("-")[0]
        groups[day, match["strategy"], family, match["fee_state"]].append(match)
    return [
        {
            "day": day,
            **BOOK,
            "strategy": strategy,
            "family": family,
            "currency": "USD",
            "fee_state": fee_state,
            "lots": len(rows),
            **{name: _total(rows, name) for name in ("realized_gross", "fees", "realized_net")},
        }
        for (day, strategy, family, fee_state), rows in groups.items()
    ]


def _total(rows: Iterable[Row], name: str) -> Decimal | None:
    values = [row[name] for row in rows]
    known = [value for value in values if isinstance(value, Decimal)]
    return sum(known, ZERO) if known else None
