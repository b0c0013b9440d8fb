"""Money paid in and out of the made account, enough for what it does."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from tools.fake_kalshi.running import Flow, ending_flow, fill_flows, steps
from tools.fake_kalshi.truths import ZERO, Cash, Ending, Execution

Movements = tuple[tuple[Cash, ...], tuple[Cash, ...]]


def deposits_and_withdrawals(
    start: datetime, days: int, executions: Sequence[Execution], endings: Iterable[Ending]
) -> Movements:
    """Return deposits, among them one that waits and one that fails, and withdrawals.

    Debit deposits cost two per cent. The first one is large enough that the cash of the account
    as a whole never runs out; what the subaccounts spend shows as less than nothing in them,
    because a made account transfers nothing.
    """
    day = timedelta(days=1)
    late = start + days * day / 2
    withdrawals = (
        Cash("withdrawal-1", 2500, 0, "applied", "ach", late, late + day / 2),
        Cash("withdrawal-2", 1500, 200, "applied", "wire", late + day / 3, late + 2 * day),
    )
    needed = 5000 * (int(100 * _lowest(executions, endings)) // -5000 + 2)
    deposits = (
        _debit("deposit-1", needed, start, start + timedelta(minutes=2)),
        Cash("deposit-2", 10_000, 0, "applied", "ach", start + day / 2, start + day * 7 / 2),
        Cash("deposit-3", 7_500, 0, "failed", "ach", late, late + day),
        _debit("deposit-4", 5_000, late + day / 4, late + day / 4 + timedelta(seconds=9)),
    )
    return deposits, withdrawals


def _debit(name: str, cents: int, created_at: datetime, applied_at: datetime) -> Cash:
    return Cash(name, cents, cents * 2 // 100, "applied", "debit", created_at, applied_at)


def _lowest(executions: Sequence[Execution], endings: Iterable[Ending]) -> Decimal:
    """Return how low the cash runs without any deposit, with room for the withdrawals."""
    rows = {
        ticker: tuple(fills)
        for ticker, fills in groupby(
            sorted(executions, key=lambda row: (row.ticker, row.at, row.fill_id)),
            key=lambda row: row.ticker,
        )
    }
    flows: list[Flow] = [flow for run in rows.values() for flow in fill_flows(run, steps(run))]
    flows += [ending_flow(ending, rows.get(ending.ticker, ())) for ending in endings]
    cash = lowest = ZERO
    for flow in sorted(flows, key=lambda row: row.at):
        cash += flow.amount
        lowest = min(lowest, cash)
    return lowest - 100
