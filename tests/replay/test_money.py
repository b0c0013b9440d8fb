"""What moved between two projections: by strategy, fill, lot and day."""

import shutil
from pathlib import Path

import duckdb
import pytest

from domain.errors import ProjectionError
from domain.event import Owner
from replay.amounts import Amounts
from replay.database import Resources
from replay.money import Line, Moved, compare
from tests.books import BookMaker, Built, dec, event, ledger
from tests.tools.command import BOUGHT, SOLD, bytes_of
from tools.fake_kalshi.payloads import fill_json

# one day of two strategies: 4 * (0.40 - 0.25) and 2 * (0.90 - 0.50), a fee each
LEDGER = """
    A 10:00 yes 4 @ 0.25 fee 0.03 as alpha-1
    A 11:00 no 4 @ 0.60 fee 0.02 as alpha-2
    B 10:00 no 2 @ 0.50 fee 0.01 as beta-1
    B 12:00 yes 2 @ 0.10 fee 0.01 as beta-2
    C 06-02T10:00 yes 1 @ 0.50 fee 0.01 as alpha-3
"""
ONE = {"alpha-": "one", "beta-": "two"}
OTHER = {"alpha-": "one", "beta-": "one"}
ZERO = Amounts()


@pytest.fixture(scope="module")
def one(shelf: BookMaker) -> Built:
    return shelf.ledger(LEDGER, strategies=ONE)


@pytest.fixture(scope="module")
def other(shelf: BookMaker) -> Built:
    return shelf.ledger(LEDGER, strategies=OTHER)


def moved(before: Built, after: Built) -> Moved:
    return compare(before.path, after.path, resources=Resources(threads=1))


def line(found: Moved, strategy: str) -> Line:
    (only,) = (each for each in found.lines if each.strategy == strategy)
    return only


def edited(built: Built, folder: Path, *statements: str) -> Path:
    """Return a copy of a projection that older code might have made."""
    path = folder / "older.duckdb"
    shutil.copyfile(built.path, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE projection_meta SET code_digest = 'older'")
        for statement in statements:
            words = statement.split()
            connection.execute(
                "UPDATE table_fingerprint SET content_fingerprint = 'older' WHERE table_name = ?",
                [words[1] if words[0] == "UPDATE" else words[2]],
            )
            connection.execute(statement)
    return path


def test_other_rules_move_money_between_strategies_and_none_in_total(
    one: Built, other: Built
) -> None:
    found = moved(one, other)
    assert line(found, "two") == Line(
        "kalshi/main/live", "two", "USD", Amounts(dec("0.8"), dec("0.02"), dec("0.78")), ZERO
    )
    assert line(found, "one").before == Amounts(dec("0.6"), dec("0.05"), dec("0.55"))
    assert line(found, "one").after == Amounts(dec("1.4"), dec("0.07"), dec("1.33"))
    assert [total.difference for total in found.totals()] == [ZERO]
    assert (found.fills, found.lots, found.days) == (2, 0, 1)
    assert (found.same_log, found.same_rules, found.by_rules) == (True, False, True)


def test_what_is_told_agrees_with_the_files_themselves(one: Built, other: Built) -> None:
    found = moved(one, other)
    for built, side in ((one, "before"), (other, "after")):
        query = "SELECT strategy, sum(realized_net) AS net FROM lot_match GROUP BY strategy"
        told = {row["strategy"]: row["net"] for row in built.rows(query)}
        assert {each.strategy: getattr(each, side).net for each in found.lines} == {
            "one": told["one"],
            "two": told.get("two", 0),
        }


def test_the_same_rules_move_nothing(books: BookMaker, one: Built) -> None:
    for found in (moved(one, one), moved(one, books.ledger(LEDGER, strategies=ONE))):
        assert not found.anything
        assert all(each.difference == ZERO for each in found.lines)
        assert (found.fills, found.lots, found.days) == (0, 0, 0)


def test_new_events_bring_money_and_move_none(books: BookMaker, one: Built) -> None:
    more = "C 06-02T11:00 no 1 @ 0.30 fee 0.01 as alpha-4\nD 06-03T10:00 no 1 @ 0.30 fee 0.01"
    after = books.build(ledger(LEDGER + more), strategies=ONE)
    found = moved(one, after)
    assert line(found, "one").difference == Amounts(dec("0.20"), dec("0.02"), dec("0.18"))
    assert (found.fills, found.lots, found.days) == (0, 0, 0)
    assert (found.same_log, found.by_rules) == (False, False)


def test_a_fee_that_is_told_later_moves_the_lot_and_its_day(books: BookMaker) -> None:
    bare, told = "A 10:00 yes 4 @ 0.25 id x", "A 10:00 yes 4 @ 0.25 id x fee 0.03"
    closing = "\nA 11:00 no 4 @ 0.60 fee 0.02 id y"
    before = books.ledger(bare + closing)
    after = books.build(ledger(bare + closing), ledger(told))
    found = moved(before, after)
    (only,) = found.lines
    assert only.before == Amounts(dec("0.6"), dec("0"), dec("0"), lots_pending=1)
    assert only.after == Amounts(dec("0.6"), dec("0.05"), dec("0.55"))
    assert (found.fills, found.lots, found.days) == (0, 1, 1)


def test_lots_that_other_code_finds_or_no_longer_finds_have_moved(
    one: Built, tmp_path: Path
) -> None:
    older = edited(
        one,
        tmp_path,
        "DELETE FROM lot_match WHERE instrument_id = 'A'",
        "UPDATE lot_match SET realized_gross = realized_gross - 1, realized_net = realized_net - 1",
        "UPDATE daily_pnl SET realized_net = realized_net - 1 WHERE strategy = 'two'",
    )
    found = compare(older, one.path, resources=Resources())
    assert (found.fills, found.lots, found.days) == (0, 2, 1)
    assert compare(one.path, older, resources=Resources()).lots == 2
    assert found.by_rules


def test_a_day_that_other_code_finds_has_moved(one: Built, tmp_path: Path) -> None:
    older = edited(one, tmp_path, "DELETE FROM daily_pnl WHERE strategy IS NOT NULL")
    found = compare(older, one.path, resources=Resources())
    assert found.days == 1
    assert [total.before for total in found.totals()] == [ZERO]


def test_accounts_modes_and_currencies_are_never_added(books: BookMaker) -> None:
    pages = [
        event("kalshi.fill", fill_json(execution, "3a"), owner=owner)
        for owner in (Owner("main", "live"), Owner("main", "paper"), Owner("other", "live"))
        for execution in (BOUGHT, SOLD)
    ]
    before = books.build(pages, strategies={})
    after = books.build(pages, strategies={"bot-": "bots"})
    found = moved(before, after)
    accounts = ["kalshi/main/live", "kalshi/main/paper", "kalshi/other/live"]
    assert [total.account for total in found.totals()] == accounts
    assert [each.account for each in found.lines if each.strategy == "bots"] == accounts
    assert (found.fills, found.days) == (3, 3)


def test_without_a_projection_before_there_is_the_new_one_alone(one: Built) -> None:
    found = compare(None, one.path, resources=Resources())
    assert found.unknown == "there is no projection yet"
    assert (found.fills, found.lots, found.days) == (None, None, None)
    assert {each.strategy: (each.before, each.after.net) for each in found.lines} == {
        "one": (None, dec("0.55")),
        "two": (None, dec("0.78")),
    }
    assert [(each.before, each.difference, each.after.net) for each in found.totals()] == [
        (None, None, dec("1.33"))
    ]
    assert not found.anything
    assert not found.by_rules


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE attribution",
        "ALTER TABLE lot_match DROP COLUMN realized_net",
        "ALTER TABLE daily_pnl RENAME COLUMN strategy TO source",
        "DROP TABLE projection_meta",
        "DROP TABLE table_fingerprint",
    ],
)
def test_a_projection_of_another_layout_is_not_compared(
    one: Built, tmp_path: Path, change: str
) -> None:
    found = compare(edited(one, tmp_path, change), one.path, resources=Resources())
    assert found.unknown == "the projection before is of another layout"
    assert [each.strategy for each in found.lines] == ["one", "two"]


def test_a_file_that_is_no_projection_is_not_compared(one: Built, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"not a database" * 1000)
    found = compare(tmp_path / "broken", one.path, resources=Resources())
    assert found.unknown == "the projection before cannot be read"
    with pytest.raises(ProjectionError, match="cannot compare with"):
        compare(one.path, tmp_path / "broken", resources=Resources())


def test_a_projection_with_a_damaged_block_is_not_compared(
    one: Built, other: Built, tmp_path: Path
) -> None:
    content = one.path.read_bytes()
    # behind the headers of 12 KiB, blocks of 256 KiB
    places = range(3 * 4096 + 100, len(content), 2**18)
    found = set()
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        (tmp_path / "damaged").write_bytes(damaged)
        told = compare(tmp_path / "damaged", other.path, resources=Resources(threads=1))
        assert [each.strategy for each in told.lines][:1] == ["one"]
        found.add(told.unknown)
    # not every block holds what is compared
    assert found - {None} == {"the projection before cannot be read"}


def test_an_interrupted_comparison_is_no_projection_that_cannot_be_read(
    one: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise duckdb.InterruptException

    monkeypatch.setattr("replay.money._moved", interrupted)
    with pytest.raises(ProjectionError, match="cannot compare with"):
        moved(one, one)


def test_comparing_changes_neither_file_and_leaves_nothing_behind(one: Built, other: Built) -> None:
    told = bytes_of(one.path.parent)
    assert moved(one, other).anything
    assert bytes_of(one.path.parent) == told
