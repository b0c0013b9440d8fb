"""The comparison in SQL against one in Python that looks at every row of both files."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.columns import Table, columns_of
from domain.event import NewEvent
from domain.results import TABLES
from replay.amounts import Amounts
from replay.database import Resources
from replay.diff import Difference, compare
from replay.diff.lines import Line
from replay.explain.nodes import exact_sum
from tests.books import BookMaker, Built, event
from tests.made.profile import thorough
from tests.projections.ibkr import account_rows
from tests.projections.ibkr.random_accounts import account
from tests.projections.random_markets import STRATEGIES, markets

Rows = dict[tuple[Any, ...], Counter[tuple[Any, ...]]]

EVERYTHING: Final = 5000
RULES: Final[tuple[Mapping[str, str], ...]] = (
    STRATEGIES,
    {"a": "alpha", "b": "alpha"},
    {},
)
MONEY: Final = {
    "strategies": ("strategy",),
    "families": ("family",),
    "days": ("day",),
    "cells": ("day", "strategy", "family"),
    "totals": (),
}


def differ(before: Path, after: Path) -> Difference:
    return compare(before, after, resources=Resources(threads=1), limit=EVERYTHING)


def told(seed: int, count: int) -> list[NewEvent]:
    rows = [row for own in markets(seed, count).values() for row in own]
    return [event(kind, payload) for kind, payload in rows]


def rows_of(built: Built, model: type[Table]) -> Rows:
    columns = columns_of(model)
    key = [one.name for one in columns if one.identity]
    content = [one.name for one in columns if not one.identity and not one.provenance]
    found: Rows = defaultdict(Counter)
    for row in built.rows(model.table):
        found[tuple(row[name] for name in key)][tuple(row[name] for name in content)] += 1
    return found


def changes(before: Rows, after: Rows) -> tuple[int, int, int]:
    """Return how many rows were added, removed and changed."""
    added = removed = changed = 0
    for key in before.keys() | after.keys():
        gone = before.get(key, Counter()) - after.get(key, Counter())
        come = after.get(key, Counter()) - before.get(key, Counter())
        both = min(gone.total(), come.total())
        changed += both
        removed += gone.total() - both
        added += come.total() - both
    return added, removed, changed


def pnl(built: Built, names: Iterable[str]) -> dict[tuple[str, ...], Amounts]:
    """Return the sums of lot_match by some names, one lot after the other."""
    families = {row["instrument_id"]: row["family"] for row in built.rows("instrument")}
    sums: dict[tuple[str, ...], Amounts] = defaultdict(Amounts)
    for lot in built.rows("lot_match"):
        lot |= {
            "day": lot["closed_at"].date().isoformat(),
            "family": families[lot["instrument_id"]],
            "trade": lot["trade_id"],
        }
        own = "/".join(lot[name] for name in ("venue", "account", "mode"))
        known = lot["basis_state"] == "known"
        sums[own, lot["currency"], *(lot[name] for name in names)] += Amounts(
            lot["realized_gross"] or Decimal(0),
            (known and lot["fees"]) or Decimal(0),
            lot["realized_net"] or Decimal(0),
            int(not known or lot["fee_state"] == "pending"),
        )
    return sums


def moved(lines: Iterable[Line]) -> dict[tuple[str, ...], Amounts]:
    return {key_of(line): line.moved for line in lines if line.moved}


def key_of(line: Line) -> tuple[str, ...]:
    # a corporate action may lead a trade from one instrument to another: the first is named
    names = (value for name, value in line.names if name != "instrument")
    return line.account, line.currency, *names


def assert_right(before: Built, after: Built) -> Difference:
    found = differ(before.path, after.path)
    by_table = {one.table: one for one in found.tables}
    for model in TABLES:
        was, now = rows_of(before, model), rows_of(after, model)
        counts = changes(was, now)
        one = by_table.get(model.table)
        seen = (one.added, one.removed, one.changed) if one else (0, 0, 0)
        assert seen == counts, model.table
        if one:
            assert len(one.examples) == sum(counts)
            rows = (one.rows_before, one.rows_after)
            assert rows == tuple(sum(row.total() for row in side.values()) for side in (was, now))
    for kind, names in {**MONEY, "trades": ("trade",)}.items():
        was_sums, now_sums = pnl(before, names), pnl(after, names)
        expected = {key: now_sums[key] - was_sums[key] for key in was_sums.keys() | now_sums.keys()}
        lines = getattr(found.money, kind)
        assert moved(lines) == {key: sums for key, sums in expected.items() if sums}, kind
        for line in lines:
            assert (line.before, line.after) == (was_sums[key_of(line)], now_sums[key_of(line)])
    return found


def assert_parts_are_the_total(found: Difference) -> None:
    money = found.money
    for total in money.totals:
        for lines in (money.strategies, money.families, money.days, money.cells, money.trades):
            own = [
                line.moved
                for line in lines
                if (line.account, line.currency) == (total.account, total.currency)
            ]
            assert exact_sum(one.gross for one in own) == total.moved.gross
            assert exact_sum(one.net for one in own) == total.moved.net
            assert exact_sum(one.fees for one in own) == total.moved.fees


def assert_opposite(one: Difference, other: Difference) -> None:
    assert [(t.table, t.added, t.removed, t.changed, t.columns) for t in one.tables] == [
        (t.table, t.removed, t.added, t.changed, t.columns) for t in other.tables
    ]
    for kind in (*MONEY, "trades"):
        mine, theirs = getattr(one.money, kind), getattr(other.money, kind)
        assert moved(mine) == {key: -sums for key, sums in moved(theirs).items()}
        positions = {(line.account, line.currency, line.names): line.positions for line in theirs}
        assert {(n.account, n.currency, n.names): n.positions for n in mine} == positions
    assert [(s.name, s.moved) for s in one.money.cash] == [
        (s.name, -s.moved) for s in other.money.cash
    ]


@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 6),
    rules=st.tuples(st.sampled_from(RULES), st.sampled_from(RULES)),
    share=st.integers(0, 4),
)
@settings(max_examples=thorough(5, 150), deadline=None)
def test_two_random_books_differ_as_a_look_at_every_row_says(
    seed: int, count: int, rules: tuple[Mapping[str, str], Mapping[str, str]], share: int
) -> None:
    events = told(seed, count)
    with TemporaryDirectory() as folder:
        books = BookMaker(Path(folder))
        until = max(1, len(events) * share // 4) if share else None
        before = books.build(events, strategies=rules[0], until=until)
        after = books.build(events, strategies=rules[1])
        found = assert_right(before, after)
        assert_parts_are_the_total(found)
        assert_opposite(found, differ(after.path, before.path))
        assert not differ(before.path, before.path).anything
        books.close()


@pytest.mark.parametrize("seed", [1, 5])
def test_the_books_of_an_ibkr_account_do_too(books: BookMaker, seed: int) -> None:
    events = account_rows.events("U1", account(seed))
    before = books.build(events, strategies={"a": "alpha"}, until=len(events) // 2)
    after = books.build(events, strategies={"b": "beta"})
    found = assert_right(before, after)
    assert_parts_are_the_total(found)
    assert_opposite(found, differ(after.path, before.path))


def test_the_key_of_every_table_is_that_of_one_row(books: BookMaker) -> None:
    built = books.build(told(3, 40), strategies=STRATEGIES)
    repeated = {
        model.table
        for model in TABLES
        for rows in rows_of(built, model).values()
        if rows.total() > 1
    }
    assert repeated == set()
