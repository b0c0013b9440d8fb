"""First in, first out, in one holding: a deque of lots and one movement after the other.

A YES and a NO contract of one market are the same contract with opposite signs: acquiring NO at
p is selling YES at 1 - p. What is bought against an open lot of the other sign closes it.

Fee shares. A fill's fee lies evenly over its contracts. Within a fill, what closes comes first and
what opens comes after it. The fee up to some contract is cut down to a billionth; a stretch of
the fill bears the difference between its two ends, so that all stretches add up to the fee.

Settlement. Whatever the fills up to its time left is closed: a long contract is paid the payout, a
short one the rest of 1.00. The exchange pays whole cents and cuts the rest off; that loss
(`rounding`) is borne by the last lot. A void market returns what was paid, cut like any payout.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_FLOOR, Context, Decimal, localcontext
from typing import Literal

ONE = Decimal(1)
ZERO = Decimal(0)
BILLIONTH = Decimal("0.000000001")
CENT = Decimal("0.01")
EXACT = Context(prec=80)


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution; `side` is the side acquired, `fee` None where nobody stated one."""

    fill_id: str
    order_id: str
    instrument_id: str
    side: Literal["yes", "no"]
    quantity: Decimal
    yes_price: Decimal
    executed_at: datetime
    fee: Decimal | None = None
    client_order_id: str | None = None
    subaccount: int = 0

    @property
    def sign(self) -> int:
        """Long or short of YES."""
        return 1 if self.side == "yes" else -1

    @property
    def own_price(self) -> Decimal:
        """What one contract of the side acquired cost."""
        return self.yes_price if self.side == "yes" else ONE - self.yes_price


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of a market; counts are gross, `payout` is that of YES and None if void."""

    instrument_id: str
    result: Literal["yes", "no", "scalar", "void"]
    payout: Decimal | None
    yes_quantity: Decimal
    no_quantity: Decimal
    revenue: Decimal
    settled_at: datetime
    fee: Decimal | None = None


@dataclass(slots=True)
class Lot:
    """What is still open of a fill: the contracts behind the first `used` ones."""

    fill: Fill
    used: Decimal
    trade_fill_id: str

    @property
    def open(self) -> Decimal:
        """Contracts that are still open."""
        return self.fill.quantity - self.used


@dataclass(slots=True)
class Match:
    """Contracts of a lot that a fill or the settlement closed."""

    lot: Fill
    trade_fill_id: str
    quantity: Decimal
    close_id: str
    close_kind: Literal["fill", "settlement"]
    close_price: Decimal
    closed_at: datetime
    fees: Decimal | None
    closing: Fill | None = None
    rounding: Decimal = ZERO

    @property
    def gross(self) -> Decimal:
        """P&L before fees."""
        earned = self.lot.sign * self.quantity * (self.close_price - self.lot.yes_price)
        return earned + self.rounding


@dataclass(slots=True)
class Holding:
    """What became of one instrument in one subaccount."""

    matches: list[Match] = field(default_factory=list)
    lots: deque[Lot] = field(default_factory=deque)
    redeemed: list[tuple[Fill, Decimal]] = field(default_factory=list)
    paid: Decimal = ZERO


def fee_of(fee: Decimal | None, start: Decimal, end: Decimal, total: Decimal) -> Decimal | None:
    """Return what a stretch of a fill bears of its fee; None while the fee is unknown."""
    if fee is None:
        return None

    def up_to(contracts: Decimal) -> Decimal:
        return (fee * contracts / total).quantize(BILLIONTH, ROUND_DOWN)

    return up_to(end) - up_to(start)


def replay(
    fills: Sequence[Fill], settlement: Settlement | None, fees: dict[str, Decimal | None]
) -> Holding:
    """Replay one holding; `fees` says what is known of each fill's fee, by fill id."""
    held = Holding()
    with localcontext(EXACT):
        settled = settlement is None
        for fill in sorted(fills, key=lambda fill: (fill.executed_at, fill.fill_id)):
            if settlement is not None and not settled and fill.executed_at > settlement.settled_at:
                _settle(held, settlement, fees)
                settled = True
            _take(held, fill, fees)
        if settlement is not None and not settled:
            _settle(held, settlement, fees)
    return held


def _take(held: Holding, fill: Fill, fees: dict[str, Decimal | None]) -> None:
    closed = ZERO
    while held.lots and held.lots[0].fill.sign != fill.sign and closed < fill.quantity:
        lot = held.lots[0]
        part = min(lot.open, fill.quantity - closed)
        bearing = (
            fee_of(fees[lot.fill.fill_id], lot.used, lot.used + part, lot.fill.quantity),
            fee_of(fees[fill.fill_id], closed, closed + part, fill.quantity),
        )
        held.matches.append(
            Match(
                lot=lot.fill,
                trade_fill_id=lot.trade_fill_id,
                quantity=part,
                close_id=fill.fill_id,
                close_kind="fill",
                close_price=fill.yes_price,
                closed_at=fill.executed_at,
                fees=None if None in bearing else (bearing[0] or ZERO) + (bearing[1] or ZERO),
                closing=fill,
            )
        )
        closed += part
        lot.used += part
        if not lot.open:
            held.lots.popleft()
    if closed:
        held.redeemed.append((fill, closed))
    if closed < fill.quantity:
        trade = held.lots[0].trade_fill_id if held.lots else fill.fill_id
        held.lots.append(Lot(fill, closed, trade))


def _settle(held: Holding, settlement: Settlement, fees: dict[str, Decimal | None]) -> None:
    due = ZERO
    first = len(held.matches)
    for lot in held.lots:
        fill = lot.fill
        price = fill.yes_price if settlement.payout is None else settlement.payout
        due += lot.open * (price if fill.sign > 0 else ONE - price)
        held.matches.append(
            Match(
                lot=fill,
                trade_fill_id=lot.trade_fill_id,
                quantity=lot.open,
                close_id=settlement.instrument_id,
                close_kind="settlement",
                close_price=price,
                closed_at=settlement.settled_at,
                fees=fee_of(fees[fill.fill_id], lot.used, fill.quantity, fill.quantity),
            )
        )
    held.lots.clear()
    held.paid = due.quantize(CENT, ROUND_FLOOR)
    if len(held.matches) > first:
        held.matches[-1].rounding = held.paid - due
