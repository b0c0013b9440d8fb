"""A step that is left out would have made no rows."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import duckdb
import pytest

from domain.rules import Rules
from projections import RULES, STEPS, TEMPORARY, Step, driven_steps, sql
from replay import blank, flow
from replay.database import Resources, open_for_writing
from replay.plan import Plan
from replay.rebuild import rebuild
from tests.books import NOW, BookMaker, event, ledger
from tests.made.samples import READER, RENDER
from tests.projections.account_events import covering
from tests.projections.ibkr import account_rows, random_accounts
from tests.projections.ibkr.flex_rows import row
from tests.projections.ibkr.test_extremes import BASES, one
from tests.projections.random_markets import STRATEGIES, markets

KALSHI: Final = [
    event(kind, text) for payloads in markets(7, 20).values() for kind, text in payloads
]
IBKR: Final = [
    told
    for seed in range(12)
    for told in account_rows.events(f"U{seed}", random_accounts.account(seed))
]
EVERY_KIND: Final = [
    *(event(kind, RENDER[kind](phase), as_of=NOW) for kind, phase in dict(READER)),
    *(one(kind, {}, 1, "U990") for kind in BASES),
    row("ibkr.flex.account_information", account="U990", currency="CHF", accountType="Individual"),
    *covering(NOW),
]
AT_TEN: Final = "2026-06-01T10:00:00Z"
BOT: Final = {
    "bot.order_posted": {"strategy": "alpha", "order_id": "order-1", "posted_at": AT_TEN},
    "bot.decision": {
        "strategy": "alpha", "decision_id": "d", "side": "buy", "order_id": "order-1",
        "outcome": "posted", "decided_at": AT_TEN,
    },
    "bot.exit": {"exited_at": "2026-06-01T11:00:00Z", "reason": "TP", "quantity": "10"},
    "market.quote": {"quoted_at": AT_TEN, "mid": "0.6"},
}  # fmt: skip
TRADED: Final = [
    *ledger("M 10:00 yes 10 @ 0.62 fee 0.17 as a-1 \n M 11:00 no 10 @ 0.35 fee 0"),
    *(event(kind, json.dumps({"instrument": "M", **payload})) for kind, payload in BOT.items()),
    event(
        "ledger.attribution_claimed",
        json.dumps(
            {
                "fill_id": "f2", "strategy": "beta", "reason": "seen", "claimed_by": "operator",
                "claimed_at": AT_TEN,
            }
        ),
    ),
]  # fmt: skip
BOOKS: Final = {
    "empty": [],
    "a trade": TRADED[:2],
    "a trade of a bot": TRADED,
    "markets": KALSHI,
    "accounts": IBKR,
}
RICH: Final = [*KALSHI, *IBKR, *EVERY_KIND, *TRADED]
RULES_MADE: Final = Rules.of_prefixes(STRATEGIES)
# what the rich book has no rows of
MISSING: Final = {
    "strategy_exit", "matched_decision", "held_closed", "set_aside", "combination_leg",
    "merged_option_event", "merged_security",
}  # fmt: skip


class Engine:
    """A build with all steps, and what each makes if it is kept from what drives it."""

    def __init__(self) -> None:
        """Begin without a connection."""
        self.connection = duckdb.connect()
        self.made: dict[tuple[str, str], list[str]] = {}
        self.empty: set[str] = set()

    def open(self, path: Path, resources: Resources) -> duckdb.DuckDBPyConnection:
        """Open as a build does, and keep it."""
        self.connection = open_for_writing(path, resources)
        return self.connection

    def ask(self, what: str, _done: int, _total: int) -> None:
        """Before a step is run, run it without its drivers, and take that back."""
        for step in STEPS:
            if what == f"computing {step.name}":
                self.empty |= {name for name in step.inputs if not self._count(name)}
                drivers = step.driven_by or set(step.inputs).difference(RULES)
                self._run(step, "drivers", drivers, "true")
                if step.venue is not None:
                    self._run(step, "venue", step.inputs, f"venue = '{step.venue}'")

    def _run(self, step: Step, without: str, inputs: Collection[str], rows: str) -> None:
        published = [name for name in step.outputs if name not in TEMPORARY]
        self.connection.execute("BEGIN")
        for table in (table for name in inputs for table in _tables(name)):
            if "venue" in self._columns(table) or (rows == "true" and self._columns(table)):
                self.connection.execute(f"DELETE FROM {table} WHERE {rows}")
        before = {name: self._count(name) for name in published}
        self.connection.execute(sql.text("steps", step.name))
        self.made[step.name, without] = [
            name for name in step.outputs if self._count(name) != before.get(name, 0)
        ]
        self.connection.execute("ROLLBACK")

    def _columns(self, table: str) -> set[str]:
        query = (
            "SELECT column_name FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (table_oid)"
            " WHERE table_name = ?"
        )
        return {name for (name,) in self.connection.execute(query, [table]).fetchall()}

    def _count(self, name: str) -> int:
        ((rows,),) = self.connection.execute(f"SELECT count(*) FROM {name}").fetchall()
        return int(rows)


def _tables(name: str) -> Iterator[str]:
    fact = name.removeprefix("merged_")
    yield from (name,) if fact == name else (f"told_{fact}", f"contested_{fact}")


@pytest.fixture(scope="module")
def engine(shelf: BookMaker) -> Engine:
    """Return what the steps of a rich book make without what drives them."""
    asked = Engine()
    with pytest.MonkeyPatch.context() as patch, shelf.log(RICH) as log:
        patch.setattr(blank, "open_for_writing", asked.open)
        patch.setattr(flow, "driven_steps", lambda *_: list(STEPS))
        rebuild(log, shelf.folder / "rich.duckdb", Plan(NOW, RULES_MADE, progress=asked.ask))
    return asked


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_makes_nothing_without_what_drives_it(engine: Engine, step: Step) -> None:
    assert engine.made[step.name, "drivers"] == []


@pytest.mark.parametrize(
    "step", [step for step in STEPS if step.venue is not None], ids=lambda step: step.name
)
def test_a_step_of_one_venue_makes_nothing_of_others(engine: Engine, step: Step) -> None:
    assert engine.made[step.name, "venue"] == []


def test_the_book_that_shows_it_has_rows_in_almost_all_that_a_step_reads(engine: Engine) -> None:
    assert engine.empty - MISSING == set()


@pytest.mark.parametrize("book", BOOKS)
def test_a_book_is_the_same_whether_steps_are_left_out_or_not(
    books: BookMaker, monkeypatch: pytest.MonkeyPatch, book: str
) -> None:
    some = books.build(BOOKS[book], rules=RULES_MADE)
    monkeypatch.setattr(flow, "driven_steps", lambda *_: list(STEPS))
    every = books.build(BOOKS[book], rules=RULES_MADE)
    assert some.rebuilt == every.rebuilt


def test_a_book_of_one_venue_does_not_pay_for_the_steps_of_another() -> None:
    told = {name for step in STEPS for name in step.inputs if name.startswith("merged_")}
    assert {step.venue for step in driven_steps(told, {"kalshi"})} == {None, "kalshi"}
    assert {step.venue for step in driven_steps(told, {"ibkr"})} == {None, "ibkr"}


def test_a_book_in_which_nothing_was_told_needs_no_step() -> None:
    assert driven_steps(set(), set()) == []


def test_every_driver_of_a_step_is_one_of_its_inputs() -> None:
    assert [step.name for step in STEPS if not set(step.driven_by) <= set(step.inputs)] == []
