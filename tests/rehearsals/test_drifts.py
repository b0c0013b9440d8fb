"""An API that drifts is reported by the fetch that meets it, and money never moves silently.

After clean days every drift that the made exchange knows is switched on for one fetch. Either the
book is exact all the same, or what is wrong was announced. Drifts that are habits of generations
that the readers know are exact and silent.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.rehearsal import Rehearsal, lines, rehearsal
from tools import book as books
from tools.fake_kalshi.clock import SimulatedClock
from tools.fake_kalshi.drifts import DRIFTS, Drift
from tools.fake_kalshi.exchange import Exchange
from tools.fake_kalshi.world import PLAIN, RICH, Style, World
from tools.outcome import FAILED, FOUND, GOOD

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
CLEAN_DAYS: Final = 3
SEED: Final = 11
MONEY: Final = {
    "P&L": """
        SELECT instrument_id, sum(realized_gross), sum(realized_net) FROM lot_match
        GROUP BY ALL ORDER BY ALL
    """,
    "cash": "SELECT cause, sum(amount) FROM cash_ledger GROUP BY ALL ORDER BY ALL",
    "positions": "SELECT subaccount, instrument_id, quantity FROM position ORDER BY ALL",
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a fetch has to say to a drift: an exit code, and a piece of one of its lines.

    `exact` says that all money is right in spite of it.
    """

    code: int = FOUND
    line: str = ""
    exact: bool = True


SILENT: Final = Expected(GOOD)
EXPECTED: Final = {
    # a shape that is not read: nothing of it counts until somebody has looked
    "fill key renamed": Expected(line="missing or of another type: count_fp", exact=False),
    "fill key omitted": Expected(line="missing or of another type: yes_price_dollars", exact=False),
    "fill key null": Expected(line="missing or of another type: fee_cost", exact=False),
    "fill number instead of string": Expected(
        line="missing or of another type: count_fp", exact=False
    ),
    "fill string instead of number": Expected(
        line="missing or of another type: subaccount_number", exact=False
    ),
    "fill with subaccount_number": Expected(
        line="missing or of another type: count_fp; nearest generation: 2; not read", exact=False
    ),
    "settlement key renamed": Expected(line="missing or of another type: revenue", exact=False),
    "settlement key omitted": Expected(
        line="missing or of another type: market_result", exact=False
    ),
    # more than was known: read as before
    "fill with an extra key": Expected(line="new: made_extra"),
    "page with an extra key": Expected(line="DRIFT ALERT kalshi.page at GET /portfolio/fills"),
    # habits of generations
    "fill without side and action": SILENT,
    "fill without exchange_index": SILENT,
    "fill with exchange_index": SILENT,
    # no telling where the rows are, or whether more come
    "container renamed": Expected(
        FAILED, "INCOMPLETE fills: page 1 of GET /portfolio/fills has no 'fills'", exact=False
    ),
    "cursor renamed": Expected(
        FAILED, "INCOMPLETE fills: page 1 does not say whether it is the last"
    ),
    # known words, impossible values
    "prices that are not 1 together": Expected(line="DRIFT ALERT kalshi.fill: ", exact=False),
    "book_side against outcome_side": Expected(line="DRIFT ALERT kalshi.fill: ", exact=False),
    # known words, wrong figures; a result is not needed for what was paid
    "settlement without a result": Expected(line="DRIFT ALERT result_missing "),
    "market without a result": Expected(line="DRIFT ALERT market_result_missing "),
    "fill without subaccount_number": Expected(line="DRIFT ALERT subaccount_missing ", exact=False),
    "fee of 0 where the series charges": Expected(line="DRIFT ALERT fee_zero ", exact=False),
    "revenue of 0 for a net winner": Expected(line="DRIFT ALERT revenue_missing "),
    "balance shifted": Expected(line="DRIFT ALERT subaccount_balance_differs "),
    "portfolio_value of shard 0 only": Expected(line="DRIFT ALERT portfolio_value_scoped "),
    "subaccount balance in other units": Expected(line="DRIFT ALERT subaccount_balance_differs "),
}


@dataclass(frozen=True, slots=True)
class Clean:
    """Books that were fetched on clean days, by the generation that the exchange spoke."""

    folder: Path
    true: dict[str, dict[str, list[tuple[Any, ...]]]] = field(default_factory=dict)
    """By generation: the money after one more clean day."""

    def money(self, generation: str, folder: Path) -> dict[str, list[tuple[Any, ...]]]:
        """Return what the money is where nothing drifts."""
        if generation not in self.true:
            with self.copy(folder, generation) as book:
                done = book.fetch()
                assert (done.exit_code, lines(done)) == (GOOD, [])
                self.true[generation] = money(book)
        return self.true[generation]

    @contextmanager
    def copy(self, folder: Path, generation: str) -> Iterator[Rehearsal]:
        """Go on from the clean days, in a folder of one's own."""
        origin = self.folder / generation
        if not origin.exists():
            self._make(origin, generation)
        shutil.copytree(origin / "book", folder / "book")
        clock, exchange = made(generation, CLEAN_DAYS + 1)
        with rehearsal(folder, exchange, clock, book=books.load(folder / "book")) as book:
            yield book

    def _make(self, folder: Path, generation: str) -> None:
        clock, exchange = made(generation, 1)
        with rehearsal(folder, exchange, clock) as book:
            for _ in range(CLEAN_DAYS):
                done = book.fetch()
                assert (done.exit_code, lines(done)) == (GOOD, [])
                clock.advance(timedelta(days=1))


def made(generation: str, day: int, style: Style | None = None) -> tuple[SimulatedClock, Exchange]:
    style = style or (PLAIN if generation < "4" else RICH)
    world = World.made(SEED, start=START, days=CLEAN_DAYS + 5, style=style)
    clock = SimulatedClock(START + timedelta(days=day, hours=4))
    return clock, Exchange(world, clock=clock, generation=generation, page_cap=200)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    return Clean(tmp_path_factory.mktemp("clean"))


def money(book: Rehearsal) -> dict[str, list[tuple[Any, ...]]]:
    return {name: book.rows(sql) for name, sql in MONEY.items()}


def test_every_drift_is_expected_in_some_way() -> None:
    assert sorted(EXPECTED) == sorted(drift.name for drift in DRIFTS)


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_a_drift_is_reported_at_once_and_no_money_moves_silently(
    tmp_path: Path, clean: Clean, drift: Drift
) -> None:
    expected = EXPECTED[drift.name]
    with clean.copy(tmp_path / "drifted", drift.generation) as book:
        book.exchange.drift(drift)
        done = book.fetch()
        drifted, differences = money(book), book.differences()
    true = clean.money(drift.generation, tmp_path / "true")
    assert done.exit_code == expected.code
    assert any(expected.line in line for line in lines(done)) is bool(expected.line), lines(done)
    assert (drifted == true) is expected.exact
    if drift.generation >= "2":
        # older generations state no fees, so their cash is never exact
        assert (differences == []) is expected.exact


def test_a_balance_that_no_other_statement_contradicts_is_held_against_the_ledger(
    tmp_path: Path,
) -> None:
    shifted = next(drift for drift in DRIFTS if drift.name == "balance shifted")
    clock, exchange = made("4", 1, PLAIN)
    exchange.closed = frozenset({"/portfolio/subaccounts/balances"})
    # while money is on its way out, no statement is held against the ledger
    history = replace(exchange.world.history, withdrawals=())
    exchange.world = replace(exchange.world, history=history)
    with rehearsal(tmp_path, exchange, clock) as book:
        for _ in range(CLEAN_DAYS):
            done = book.fetch()
            assert (done.exit_code, lines(done)) == (GOOD, [])
            clock.advance(timedelta(days=1))
        exchange.drift(shifted)
        done = book.fetch()
        assert (done.exit_code, len(lines(done))) == (FOUND, 1)
        assert lines(done)[0].startswith("DRIFT ALERT balance_unexplained ")
        # from the shifted statement on the balance moves as it should
        clock.advance(timedelta(days=1))
        done = book.fetch()
        assert (done.exit_code, lines(done)) == (GOOD, [])
