"""Whether a new projection may take the place of the old one without a look."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from domain.errors import ProjectionError
from replay.database import Resources
from replay.gate import Gate, closed_days
from tests.books import BookMaker, Built, dec
from tests.replay.test_diff import LEDGER, ONE, OTHER, edited

MORE = "D 06-02T12:00 yes 1 @ 0.5 fee 0.01 id d1\nD 06-02T13:00 no 1 @ 0.4 fee 0 id d2\n"
NEXT = "E 06-03T12:00 yes 1 @ 0.5 fee 0.01 id e1\nE 06-03T13:00 no 1 @ 0.4 fee 0 id e2\n"


def judge(
    before: Built | Path,
    after: Built | Path,
    above: Decimal = Decimal(0),
    *,
    by: date | None = None,
) -> Gate:
    paths = [side.path if isinstance(side, Built) else side for side in (before, after)]
    return closed_days(*paths, above=above, resources=Resources(threads=1), ended_by=by)


@pytest.fixture(scope="module")
def one(shelf: BookMaker) -> Built:
    return shelf.ledger(LEDGER, strategies=ONE)


def test_the_same_books_are_accepted(one: Built) -> None:
    assert judge(one, one) == Gate(0, ())
    assert judge(one, one).accepted


def test_money_that_only_changes_hands_is_not_accepted(books: BookMaker, one: Built) -> None:
    found = judge(one, books.ledger(LEDGER, strategies=OTHER))
    assert not found.accepted
    assert found.cells == 2
    assert {(cell.day, cell.strategy, cell.moved.net) for cell in found.worst} == {
        ("2026-06-01", "two", dec("-0.78")),
        ("2026-06-01", "one", dec("0.78")),
    }


def test_up_to_the_amount_it_is_accepted_and_above_not(books: BookMaker, one: Built) -> None:
    other = books.ledger(LEDGER, strategies=OTHER)
    # gross moved most, by 0.80
    assert judge(one, other, dec("0.80")).accepted
    assert judge(one, other, dec("0.79")).cells == 2


def test_a_new_day_is_not_closed_and_an_old_one_is(books: BookMaker, one: Built) -> None:
    assert judge(one, books.ledger(LEDGER + NEXT, strategies=ONE)).accepted
    more = books.ledger(LEDGER + MORE, strategies=ONE)
    assert judge(one, more).cells == 1
    assert judge(one, more, by=date(2026, 6, 2)).accepted
    assert not judge(one, more, by=date(2026, 6, 3)).accepted


def test_fees_and_gross_that_cancel_out_are_seen(one: Built, tmp_path: Path) -> None:
    copy = edited(one, tmp_path, "UPDATE daily_pnl SET fees = fees + 1 WHERE strategy = 'two'")
    found = judge(one, copy)
    assert [(cell.moved.fees, cell.moved.net) for cell in found.worst] == [(dec("1"), dec("0"))]


def test_an_old_layout_cannot_be_judged(one: Built, tmp_path: Path) -> None:
    copy = edited(one, tmp_path, "ALTER TABLE daily_pnl DROP COLUMN family")
    with pytest.raises(ProjectionError, match="is of another layout"):
        judge(copy, one)
    with duckdb.connect(str(tmp_path / "empty")):
        pass
    with pytest.raises(ProjectionError, match="never finished"):
        judge(one, tmp_path / "empty")
