"""How a market's position and the account's cash run, fill by fill."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tools.fake_kalshi.truths import ONE, ZERO, Cash, Ending, Execution, revenue_cents


@dataclass(frozen=True, slots=True)
class Step:
    """A market after one more fill; `cash` is what that fill moved, the rest adds up."""

    fill_id: str
    at: datetime
    net: Decimal
    open_cost: Decimal
    realized: Decimal
    fees: Decimal
    traded: Decimal
    cash: Decimal
    yes_price: Decimal


def steps(rows: Iterable[Execution]) -> tuple[Step, ...]:
    """Run through the fills of one market in time order: first in, first out."""
    return tuple(_steps(rows))


def _steps(rows: Iterable[Execution]) -> Iterator[Step]:
    lots: deque[tuple[Decimal, Decimal]] = deque()
    net = open_cost = realized = fees = traded = ZERO
    for row in rows:
        sign = ONE if row.acquired == "yes" else -ONE
        left, paired, price = row.quantity, ZERO, row.own_price
        while left and lots and net * sign < 0:
            held, paid = lots.popleft()
            pair = min(held, left)
            if held > pair:
                lots.appendleft((held - pair, paid))
            realized += pair * (ONE - paid - price)
            open_cost -= pair * paid
            net += sign * pair
            paired += pair
            left -= pair
        if left:
            lots.append((left, price))
            open_cost += left * price
            net += sign * left
        cost = row.quantity * price
        fees += row.fee
        traded += cost
        yield Step(
            fill_id=row.fill_id,
            at=row.at,
            net=net,
            open_cost=open_cost,
            realized=realized,
            fees=fees,
            traded=traded,
            cash=paired - cost - row.fee,
            yes_price=row.yes_price,
        )


@dataclass(frozen=True, slots=True)
class Flow:
    """Cash that moved, in or out, of one subaccount on one shard."""

    at: datetime
    subaccount: int
    exchange_index: int
    amount: Decimal


def fill_flows(rows: tuple[Execution, ...], run: tuple[Step, ...]) -> Iterator[Flow]:
    """Yield what the fills of one market moved."""
    for row, step in zip(rows, run, strict=True):
        yield Flow(row.at, row.subaccount, row.exchange_index, step.cash)


def ending_flow(ending: Ending, rows: tuple[Execution, ...]) -> Flow:
    """Return what a settlement paid."""
    subaccount, shard = (rows[0].subaccount, rows[0].exchange_index) if rows else (0, 0)
    paid = Decimal(revenue_cents(ending, rows)) / 100
    return Flow(ending.settled_at, subaccount, shard, paid)


def movement_flows(deposits: Iterable[Cash], withdrawals: Iterable[Cash]) -> Iterator[Flow]:
    """Yield what was paid in and out: only what was applied, when it was applied."""
    for sign, movements in ((1, deposits), (-1, withdrawals)):
        for row in movements:
            if row.status == "applied" and row.finalized_at is not None:
                cents = sign * row.amount_cents - row.fee_cents
                yield Flow(row.finalized_at, 0, 0, Decimal(cents) / 100)
