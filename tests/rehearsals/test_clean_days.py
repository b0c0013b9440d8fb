"""On days on which nothing is wrong, nothing is alarmed, and the book is the truth.

One fetch a day from an account that has everything: subaccounts, shards, fractions of contracts,
scalar and late settlements, rows of zero, cash that is pending before it is applied.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.made.profile import thorough
from tests.rehearsal import lines, rehearsal
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.world import RICH, World
from tools.outcome import GOOD

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
DAYS: Final = thorough(25, 250)
SEED: Final = 7
GRADED_EVERY_DAYS: Final = 5


def test_clean_days_raise_no_alarm_and_lead_to_the_truth(tmp_path: Path) -> None:
    world = World.made(SEED, start=START, days=DAYS + 5, style=RICH)
    clock = SimulatedClock(START + timedelta(days=1, hours=3))
    exchange = Exchange(
        world, clock=clock, live_window=timedelta(days=9), staleness=timedelta(seconds=3)
    )
    with rehearsal(tmp_path, exchange, clock) as book:
        for day in range(DAYS):
            done = book.fetch()
            assert (day, done.exit_code, lines(done), done.data["alerts"]) == (day, GOOD, [], [])
            if day % GRADED_EVERY_DAYS == GRADED_EVERY_DAYS - 1:
                assert (day, book.differences()) == (day, [])
            # an odd pace: over the days every hour has its turn
            clock.advance(timedelta(days=1, minutes=17))
        # the days had everything in them
        assert book.rows("SELECT count(*) FROM canary") == [(0,)]
        for sql in EVERYTHING.values():
            assert book.rows(f"SELECT count(*) > 0 FROM {sql}") == [(True,)], sql
        assert any(row.updated_at - row.closes_at > timedelta(days=1) for row in world.listings)
        # a deposit that was pending came again when it was applied
        deposits = book.keys("kalshi.deposit")
        assert len(set(deposits)) < len(deposits)
        assert any(one.path == "/historical/fills" for one in exchange.requests)


EVERYTHING: Final = {
    "subaccounts": "fill WHERE subaccount > 0",
    "shards": "fill WHERE exchange_index > 0",
    "fractions": "fill WHERE quantity % 1 <> 0",
    "scalars": "settlement WHERE result = 'scalar'",
    "netted": "settlement WHERE revenue_state = 'netted'",
    "zero rows": "settlement WHERE yes_quantity = 0 AND no_quantity = 0",
    "deposits": "cash_ledger WHERE cause = 'deposit'",
    "withdrawals": "cash_ledger WHERE cause = 'withdrawal'",
}
