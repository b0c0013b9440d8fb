"""What happened on Kalshi, said once: plain values that know nothing of any payload.

Everything here is made, not recorded. Money and prices are dollars; a price is the price of YES
whichever side was acquired; a quantity is a number of contracts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Literal, TypeAlias

Side: TypeAlias = Literal["yes", "no"]
Action: TypeAlias = Literal["buy", "sell"]
Result: TypeAlias = Literal["yes", "no", "scalar", "void"]

ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. `acquired` is what counts; `action` is what the order was called."""

    fill_id: str
    order_id: str
    client_order_id: str | None
    ticker: str
    acquired: Side
    action: Action
    quantity: Decimal
    yes_price: Decimal
    taker: bool
    fee: Decimal
    at: datetime
    subaccount: int = 0
    exchange_index: int = 0

    @property
    def own_price(self) -> Decimal:
        """Price of the side that was acquired."""
        return self.yes_price if self.acquired == "yes" else ONE - self.yes_price

    @property
    def cost(self) -> Decimal:
        """What the acquired contracts cost, without the fee."""
        return self.quantity * self.own_price


@dataclass(frozen=True, slots=True)
class Ending:
    """How a market ended. `value_cents` is what one YES pays; only a scalar needs it."""

    ticker: str
    result: Result
    value_cents: int | None
    settled_at: datetime

    @property
    def payout(self) -> Decimal | None:
        """What one YES pays in dollars; None for void."""
        if self.result == "scalar":
            if self.value_cents is None:
                raise ValueError(f"{self.ticker}: a scalar ending needs value_cents")
            return Decimal(self.value_cents) / 100
        return {"yes": ONE, "no": ZERO, "void": None}[self.result]


@dataclass(frozen=True, slots=True)
class Order:
    """An order in one state. All that it filled was filled as `taker` says."""

    order_id: str
    client_order_id: str
    ticker: str
    acquires: Side
    action: Action
    status: str
    yes_price: Decimal
    initial: Decimal
    filled: Decimal
    remaining: Decimal
    created_at: datetime
    updated_at: datetime
    taker: bool = True
    fill_cost: Decimal = ZERO
    fees: Decimal = ZERO
    order_type: str = "limit"
    subaccount: int = 0
    exchange_index: int = 0

    @property
    def side(self) -> Side:
        """The side by Kalshi's matrix for orders: selling one side acquires the other."""
        if self.action == "buy":
            return self.acquires
        return "no" if self.acquires == "yes" else "yes"


@dataclass(frozen=True, slots=True)
class Holding:
    """A position at one moment; the quantity is signed, positive for YES."""

    ticker: str
    quantity: Decimal
    exposure: Decimal
    realized_pnl: Decimal
    fees_paid: Decimal
    total_traded: Decimal
    updated_at: datetime
    resting_orders: int = 0
    exchange_index: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """Cash and value of open positions at one moment; `shards` splits the cash, if said."""

    cash: Decimal
    portfolio_value: Decimal
    at: datetime
    shards: tuple[tuple[int, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Cash:
    """A deposit or a withdrawal; which of them is said by the function that renders it."""

    movement_id: str
    amount_cents: int
    fee_cents: int
    status: str
    method: str
    created_at: datetime
    finalized_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A market as the exchange describes it; `result` is None while undecided."""

    ticker: str
    status: str
    opens_at: datetime
    closes_at: datetime
    updated_at: datetime
    result: Result | None = None
    strike_type: str = "greater"
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    exchange_index: int = 0

    @property
    def event_ticker(self) -> str:
        """The event that the market belongs to."""
        return event_of(self.ticker)


def event_of(ticker: str) -> str:
    """Return the ticker of the event: all but the last part."""
    return ticker.rpartition("-")[0] or ticker


@dataclass(frozen=True, slots=True)
class Gross:
    """What one market's executions add up to over its whole life."""

    yes: Decimal
    no: Decimal
    yes_cost: Decimal
    no_cost: Decimal
    fees: Decimal


def gross(executions: Iterable[Execution]) -> Gross:
    """Add up the executions of one market, each side for itself."""
    rows = tuple(executions)
    yes = tuple(row for row in rows if row.acquired == "yes")
    no = tuple(row for row in rows if row.acquired == "no")
    return Gross(
        yes=sum((row.quantity for row in yes), ZERO),
        no=sum((row.quantity for row in no), ZERO),
        yes_cost=sum((row.cost for row in yes), ZERO),
        no_cost=sum((row.cost for row in no), ZERO),
        fees=sum((row.fee for row in rows), ZERO),
    )


def revenue_cents(ending: Ending, executions: Iterable[Execution]) -> int:
    """Return the cash that Kalshi pays at settlement: net contracts, floored to whole cents.

    Exact on every real row, scalar ones among them. For void it is an ASSUMPTION (no real void
    row was ever found): what the contracts that are still held cost, first in, first out.
    """
    rows = tuple(executions)
    total, payout = gross(rows), ending.payout
    if payout is None:
        dollars = open_cost(rows)
    else:
        dollars = payout * max(total.yes - total.no, ZERO)
        dollars += (ONE - payout) * max(total.no - total.yes, ZERO)
    return int((100 * dollars).to_integral_value(ROUND_FLOOR))


def open_cost(executions: Iterable[Execution]) -> Decimal:
    """Return what the contracts still held after netting cost, first in, first out."""
    lots: list[tuple[Side, Decimal, Decimal]] = []
    for row in in_time_order(executions):
        left = row.quantity
        while left and lots and lots[0][0] != row.acquired:
            side, held, price = lots.pop(0)
            if held > left:
                lots.insert(0, (side, held - left, price))
            left -= min(held, left)
        if left:
            lots.append((row.acquired, left, row.own_price))
    return sum((held * price for _, held, price in lots), ZERO)


def in_time_order(executions: Iterable[Execution]) -> tuple[Execution, ...]:
    """Return the executions as they happened; the id decides between equal times."""
    return tuple(sorted(executions, key=lambda row: (row.at, row.fill_id)))
