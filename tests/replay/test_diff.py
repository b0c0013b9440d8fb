"""What one projection says otherwise than another, and the log positions that explain it."""

import shutil
from pathlib import Path

import duckdb
import pytest

from adapters.log.sqlite import SQLiteLog
from domain.errors import ProjectionError, UsageError
from domain.event import NewEvent
from replay import money
from replay.amounts import Amounts
from replay.database import Resources
from replay.diff import Difference, compare, sides
from replay.diff.lines import Line
from replay.diff.rows import Example, TableDifference, telling
from tests.books import NOW, BookMaker, Built, dec, ledger
from tests.projections.bot_events import claim
from tests.projections.test_attribution import broker_order
from tests.tools.command import bytes_of

# one day of two strategies, in the order of the log: positions 1 to 6
LEDGER = """
    A 10:00 yes 4 @ 0.25 fee 0.03 as alpha-1 id a1
    A 11:00 no 4 @ 0.60 fee 0.02 as alpha-2 id a2
    B 10:00 no 2 @ 0.50 fee 0.01 as beta-1 id b1
    B 12:00 yes 2 @ 0.10 fee 0.01 as beta-2 id b2
    C 06-02T10:00 yes 1 @ 0.50 fee 0.01 as alpha-3 id c1
    C 06-02T11:00 no 1 @ 0.30 fee 0.01 as alpha-4 id c2
"""
# twelve lots of one day: positions 1 to 24
BOTH_SIDES = "\n".join(
    f"M{number} 10:00 yes 100 @ 0.25 fee 0.03 as alpha-{number} id a{number}\n"
    f"M{number} 11:00 no 100 @ 0.60 fee 0.02 id b{number}"
    for number in range(12)
)
ONE = {"alpha-": "one", "beta-": "two"}
OTHER = {"alpha-": "one", "beta-": "one"}


@pytest.fixture(scope="module")
def one(shelf: BookMaker) -> Built:
    return shelf.ledger(LEDGER, strategies=ONE)


@pytest.fixture(scope="module")
def other(shelf: BookMaker) -> Built:
    return shelf.ledger(LEDGER, strategies=OTHER)


def differ(before: Built | Path, after: Built | Path, limit: int = 20) -> Difference:
    paths = [side.path if isinstance(side, Built) else side for side in (before, after)]
    return compare(*paths, resources=Resources(threads=1), limit=limit)


def table(found: Difference, name: str) -> TableDifference:
    (only,) = (one for one in found.tables if one.table == name)
    return only


def changed(found: Difference, name: str) -> Example:
    (only,) = (one for one in table(found, name).examples if one.change == "changed")
    return only


def order_told(order_id: str) -> NewEvent:
    return broker_order(order_id, f"bot-{order_id}", "A")


def line(lines: tuple[Line, ...], **names: str) -> Line:
    (only,) = (one for one in lines if names.items() <= dict(one.names).items())
    return only


def edited(built: Built, folder: Path, *statements: str) -> Path:
    """Return a copy of a projection that another version might have made."""
    path = folder / "edited.duckdb"
    shutil.copyfile(built.path, path)
    with duckdb.connect(str(path)) as connection:
        # of its own, so that every table is looked at
        connection.execute("UPDATE table_fingerprint SET content_fingerprint = ?", [str(path)])
        for statement in statements:
            connection.execute(statement)
    return path


def test_a_projection_does_not_differ_from_itself_nor_from_its_twin(
    books: BookMaker, one: Built
) -> None:
    for twin in (one, books.ledger(LEDGER, strategies=ONE)):
        found = differ(one, twin)
        assert not found.anything
        assert not found.money_moved
        assert found.tables == ()
        assert (found.same_events, found.same_rules, found.log_checked) == (True, True, True)
        assert line(found.money.totals).after.net == dec("1.51")
        assert dict(found.money.moved) == dict.fromkeys(
            ("families", "days", "cells", "trades", "lots", "lots_reassigned"), 0
        )


def test_rows_that_a_look_at_every_value_finds_equal_are_no_change(
    one: Built, tmp_path: Path
) -> None:
    copy = edited(one, tmp_path, "UPDATE fill SET position = position + 100")
    found = differ(one, copy)
    assert not found.anything
    assert found.equal_tables > len(found.tables)


def test_a_changed_value_is_told_with_key_column_old_and_new(one: Built, tmp_path: Path) -> None:
    copy = edited(one, tmp_path, "UPDATE fill SET fee = 0.5 WHERE fill_id = 'a2'")
    found = differ(one, copy)
    assert [each.table for each in found.tables] == ["fill"]
    assert table(found, "fill").columns == (("fee", 1),)
    example = changed(found, "fill")
    assert dict(example.key) == {
        "venue": "kalshi",
        "account": "main",
        "mode": "live",
        "fill_id": "a2",
    }
    assert [(cell.column, cell.old, cell.new) for cell in example.cells] == [("fee", "0.02", "0.5")]
    assert example.positions == (2,)


def test_rows_that_come_and_go_are_told_with_all_that_they_hold(one: Built, tmp_path: Path) -> None:
    copy = edited(one, tmp_path, "DELETE FROM fill WHERE fill_id = 'a1'")
    gone, come = differ(one, copy), differ(copy, one)
    assert (table(gone, "fill").removed, table(come, "fill").added) == (1, 1)
    (example,) = table(gone, "fill").examples
    assert example.change == "removed"
    assert {cell.column: (cell.old, cell.new) for cell in example.cells}["price"] == ("0.25", None)
    (example,) = table(come, "fill").examples
    assert {cell.column: (cell.old, cell.new) for cell in example.cells}["price"] == (None, "0.25")


def test_what_is_empty_differs_from_nothing_and_from_zero(one: Built, tmp_path: Path) -> None:
    copy = edited(one, tmp_path, "UPDATE fill SET fee = NULL WHERE fill_id = 'a2'")
    (cell,) = changed(differ(one, copy), "fill").cells
    assert (cell.old, cell.new) == ("0.02", None)
    zero = tmp_path / "zero"
    zero.mkdir()
    edited_zero = edited(one, zero, "UPDATE fill SET fee = 0 WHERE fill_id = 'a2'")
    (cell,) = changed(differ(copy, edited_zero), "fill").cells
    assert (cell.old, cell.new) == (None, "0")


def test_the_largest_examples_come_first_and_no_more_than_asked(one: Built, tmp_path: Path) -> None:
    copy = edited(
        one,
        tmp_path,
        "UPDATE fill SET fee = fee + 1",
        "UPDATE fill SET fee = fee + 8 WHERE fill_id = 'c1'",
    )
    found = table(differ(one, copy, limit=2), "fill")
    assert (found.changed, len(found.examples)) == (6, 2)
    assert dict(found.examples[0].key)["fill_id"] == "c1"
    none = table(differ(one, copy, limit=0), "fill")
    assert (none.changed, none.examples) == (6, ())


def test_repeated_keys_are_compared_as_rows_that_may_stand_twice(
    one: Built, tmp_path: Path
) -> None:
    twice = edited(one, tmp_path, "INSERT INTO fill FROM fill WHERE fill_id = 'a1'")
    assert table(differ(one, twice), "fill").added == 1
    (tmp_path / "more").mkdir()
    more = edited(
        one,
        tmp_path / "more",
        "INSERT INTO fill FROM fill WHERE fill_id = 'a1'",
        "INSERT INTO fill SELECT * REPLACE (0.5::DECIMAL(18,9) AS fee) FROM fill "
        "WHERE fill_id = 'a1' LIMIT 1",
        "UPDATE fill SET fee = 0.4 WHERE fill_id = 'a2'",
    )
    found = table(differ(twice, more), "fill")
    assert (found.added, found.removed, found.changed) == (1, 0, 1)
    found = table(differ(more, one), "fill")
    assert (found.added, found.removed, found.changed) == (0, 2, 1)


# --- money, and why ------------------------------------------------------------------------------


def test_other_rules_move_money_and_the_fills_that_moved_explain_it(
    one: Built, other: Built
) -> None:
    found = differ(one, other)
    assert (found.same_events, found.same_rules) == (True, False)
    two = line(found.money.strategies, strategy="two")
    assert two.moved == Amounts(dec("-0.8"), dec("-0.02"), dec("-0.78"))
    assert two.positions == (3, 4)
    assert line(found.money.strategies, strategy="one").moved.net == dec("0.78")
    assert not line(found.money.totals).moved
    assert not line(found.money.days, day="2026-06-01").moved
    assert found.money_moved
    assert dict(found.money.moved)["cells"] == len(found.money.cells) == 2
    examples = table(found, "attribution").examples
    assert sorted(example.positions for example in examples) == [(3,), (4,)]


def test_between_two_moments_the_new_events_explain_what_moved(books: BookMaker) -> None:
    before = books.ledger(LEDGER, strategies=ONE, until=5)
    after = books.ledger(LEDGER, strategies=ONE)
    found = differ(before, after)
    assert (found.same_events, found.same_rules) == (False, True)
    second = line(found.money.days, day="2026-06-02")
    assert second.before == Amounts()
    assert second.moved == Amounts(dec("0.2"), dec("0.02"), dec("0.18"))
    assert second.positions == (6,)
    assert line(found.money.days, day="2026-06-01").positions == ()
    (trade,) = found.money.trades
    assert dict(trade.names) == {"trade": "c1", "instrument": "C"}
    assert trade.positions == (6,)
    assert [one.positions for one in found.money.open_cost if one.moved] == [(6,)]
    assert {one.name: one.moved for one in found.money.cash if one.moved} == {
        "fee": dec("-0.01"),
        "fill": dec("-0.3"),
        "redemption": dec("1"),
    }
    assert all(one.positions == (6,) for one in found.money.cash if one.moved)


def test_a_fee_that_is_told_later_is_explained_by_both_renderings(books: BookMaker) -> None:
    bare, told = "A 10:00 yes 4 @ 0.25 id x", "A 10:00 yes 4 @ 0.25 id x fee 0.03"
    closing = "\nA 11:00 no 4 @ 0.60 fee 0.02 id y"
    pages = (ledger(bare + closing), ledger(told))
    before, after = books.build(*pages, until=2), books.build(*pages)
    (day,) = differ(before, after).money.days
    assert day.before == Amounts(dec("0.6"), dec("0"), dec("0"), lots_pending=1)
    assert day.after == Amounts(dec("0.6"), dec("0.05"), dec("0.55"))
    assert day.positions == (1, 3)


def test_a_claim_is_the_event_that_moved_the_strategy(books: BookMaker) -> None:
    pages = (ledger(LEDGER), [claim("b1", "three")])
    before = books.build(*pages, until=6)
    after = books.build(*pages)
    found = differ(before, after)
    assert line(found.money.strategies, strategy="three").positions == (7,)
    assert line(found.money.strategies, strategy="three").moved.net == dec("0.78")


def test_a_late_fill_explains_the_lots_behind_it(books: BookMaker) -> None:
    first = "A 10:00 yes 2 @ 0.20 id f1\nA 12:00 no 2 @ 0.50 id f3"
    late = "A 09:00 yes 2 @ 0.10 id f0"
    pages = (ledger(first), ledger(late))
    before, after = books.build(*pages, until=2), books.build(*pages)
    found = differ(before, after)
    (day,) = found.money.days
    assert day.moved.gross == dec("0.2")
    assert day.positions == (3,)
    assert [trade.positions for trade in found.money.trades] == [(3,)] * len(found.money.trades)


def test_an_order_that_changes_nothing_explains_nothing(books: BookMaker) -> None:
    first = "A 10:00 yes 10 @ 0.40 id f1 order o1\nA 12:00 no 10 @ 0.40 id f2 order o2"
    late = "A 09:00 yes 4 @ 0.20 id f0 order o3"
    orders = [order_told("o1"), order_told("o2"), order_told("o3")]
    pages = (ledger(first), ledger(late), orders)
    before, after = books.build(*pages, until=2), books.build(*pages)
    assert all(row["evidence_positions"] for row in after.rows("attribution"))
    found = differ(before, after)
    lines = (*found.money.totals, *found.money.strategies, *found.money.days, *found.money.trades)
    assert {(bool(line.moved), line.positions) for line in lines} == {(True, (3,))}
    assert {one.positions for one in found.money.open_cost if one.moved} == {(3,)}


def test_an_order_that_gives_a_lot_to_a_strategy_explains_it(books: BookMaker) -> None:
    fills = "A 10:00 yes 1 @ 0.40 id f1 order o1\nA 12:00 no 1 @ 0.40 id f2 order o2"
    pages = (ledger(fills), [order_told("o1")])
    rules = {"bot-": "bots"}
    before = books.build(*pages, strategies=rules, until=2)
    after = books.build(*pages, strategies=rules)
    assert line(differ(before, after).money.strategies, strategy="bots").positions == (3,)


def test_a_sum_is_explained_by_the_lots_that_moved_it_alone(books: BookMaker) -> None:
    small = "Z 10:00 yes 1 @ 0.50 fee 0.01 as beta-3 id z1\nZ 11:00 no 1 @ 0.30 fee 0.01 id z2"
    told_again = "Z 11:00 no 1 @ 0.30 fee 0.03 id z2"
    pages = (ledger(BOTH_SIDES), ledger(small), ledger(told_again))
    before = books.build(*pages, strategies=ONE, until=26)
    after = books.build(*pages, strategies={"alpha-": "three", "beta-": "two"})
    told = differ(before, after).money
    assert line(told.totals).moved.net == dec("-0.02")
    assert line(told.totals).positions == (26, 27)
    assert line(told.days, day="2026-06-01").positions == (26, 27)
    counts = dict(told.moved)
    assert (counts["lots"], counts["lots_reassigned"]) == (1, 12)


@pytest.mark.parametrize(("limit", "shown"), [(100, 20), (7, 7), (0, 5)])
def test_ten_lots_explain_a_line_in_five_positions_at_least(
    books: BookMaker, limit: int, shown: int
) -> None:
    before = books.ledger(BOTH_SIDES, strategies=ONE)
    after = books.ledger(BOTH_SIDES, strategies={"alpha-": "three"})
    for strategy in ("one", "three"):
        told = line(differ(before, after, limit).money.strategies, strategy=strategy)
        assert (len(told.positions), told.positions_more) == (shown, 20 - shown)


def test_lots_that_change_hands_are_counted_apart_as_a_rebuild_does(
    one: Built, other: Built
) -> None:
    counts = dict(differ(one, other).money.moved)
    moved = money.compare(one.path, other.path, resources=Resources())
    assert (counts["lots"], counts["lots_reassigned"]) == (0, 1)
    assert (moved.lots, moved.lots_reassigned) == (0, 1)


def test_a_cut_at_the_end_of_the_log_is_of_the_same_events(books: BookMaker, one: Built) -> None:
    cut = books.ledger(LEDGER, strategies=ONE, until=6)
    assert cut.value("SELECT as_of FROM projection_meta") == "position 6"
    assert differ(one, cut).same_events
    happened = books.ledger(LEDGER, strategies=ONE, until=6, happened=NOW)
    assert not differ(one, happened).same_events


def test_the_events_are_named_where_the_log_is_there(books: BookMaker) -> None:
    before = books.ledger(LEDGER, strategies=ONE, until=5)
    after = books.ledger(LEDGER, strategies=ONE)
    with SQLiteLog.open(after.path.with_name(f"log{books.made}.db")) as log:
        found = compare(before.path, after.path, resources=Resources(), log=log)
    assert found.log_checked
    (event,) = found.events
    assert (event.position, event.kind) == (6, "kalshi.fill")
    assert event.received_at.startswith("2026-11-21T12:00:00")
    assert event.key.endswith("c2")


def test_positions_that_tell_are_those_of_one_side_or_all() -> None:
    assert telling([1, 2], [2, 3], 9) == (1, 3)
    assert telling([1, 2], [2, 1], 9) == (1, 2)
    assert telling([], [3, 4, 5], 2) == (4, 5)
    assert telling([], [3], 0) == ()


def test_both_files_are_read_by_an_engine_that_can_do_nothing_else(one: Built) -> None:
    with sides.side_by_side(one.path, one.path, Resources()) as pair:
        for statement in (
            "SET enable_external_access = true",
            "SET autoinstall_known_extensions = true",
            f"SELECT * FROM read_text('{__file__}')",
        ):
            with pytest.raises(duckdb.Error, match=r"disabled|locked"):
                pair.connection.execute(statement)


# --- other logs, other versions ------------------------------------------------------------------


def test_files_of_different_logs_are_refused(books: BookMaker, one: Built) -> None:
    stranger = books.ledger(LEDGER.replace("0.25", "0.26"), strategies=ONE)
    with pytest.raises(UsageError, match="are of different logs: the seals at position 6 differ"):
        differ(one, stranger)
    with (
        SQLiteLog.open(stranger.path.with_name(f"log{books.made}.db")) as log,
        pytest.raises(UsageError, match="is of another log: its seal at position 6"),
    ):
        compare(one.path, stranger.path, resources=Resources(), log=log)


def test_of_files_that_end_apart_the_log_alone_can_tell(books: BookMaker, one: Built) -> None:
    longer = books.ledger(LEDGER + "D 06-03T10:00 yes 1 @ 0.5 id d", strategies=ONE)
    assert not differ(one, longer).log_checked


def test_a_file_that_was_never_finished_or_is_none_is_refused(one: Built, tmp_path: Path) -> None:
    unfinished = edited(one, tmp_path, "DROP TABLE projection_meta")
    with pytest.raises(ProjectionError, match="was never finished, or is no projection"):
        differ(unfinished, one)
    (tmp_path / "text").write_bytes(b"no database" * 1000)
    with pytest.raises(ProjectionError, match="cannot read"):
        differ(one, tmp_path / "text")
    log = one.path.with_name("log1.db")
    assert log.read_bytes().startswith(b"SQLite format 3")
    for pair in ((one, log), (log, one)):
        with pytest.raises(ProjectionError, match=r"cannot read .*log1\.db.*not a valid DuckDB"):
            differ(*pair)
    with pytest.raises(ProjectionError, match="is missing"):
        differ(one, tmp_path / "nothing")


@pytest.mark.parametrize(
    ("change", "name", "note"),
    [
        ("DROP TABLE outcome", "outcome", "there is no such table after"),
        ("ALTER TABLE fill DROP COLUMN liquidity", "fill", "column liquidity is only before"),
        ("ALTER TABLE trade ADD COLUMN mood VARCHAR", "trade", "column mood is only after"),
        (
            "ALTER TABLE open_lot ALTER COLUMN cost TYPE VARCHAR",
            "open_lot",
            "column cost is DECIMAL(38,20) before and VARCHAR after",
        ),
    ],
)
def test_what_one_version_lacks_is_said_and_the_rest_compared(
    one: Built, tmp_path: Path, change: str, name: str, note: str
) -> None:
    copy = edited(one, tmp_path, change, "UPDATE cash_ledger SET amount = 9 WHERE cause = 'fee'")
    found = differ(one, copy)
    assert note in table(found, name).notes
    assert table(found, "cash_ledger").changed == 6
    assert table(found, name).examples == ()


def test_a_table_without_its_key_is_counted_and_not_matched(one: Built, tmp_path: Path) -> None:
    copy = edited(
        one,
        tmp_path,
        "ALTER TABLE cash_ledger RENAME COLUMN reference TO about",
        "ALTER TABLE lot_match DROP COLUMN realized_net",
        "ALTER TABLE daily_pnl DROP COLUMN lots",
        "DROP TABLE table_fingerprint",
    )
    found = differ(one, copy)
    assert "its key is not in both, so that rows cannot be matched" in (
        table(found, "cash_ledger").notes
    )
    assert [note.split()[0] for note in found.money.notes] == [
        "daily_pnl",
        "lot_match",
        "cash_ledger",
    ]


def test_empty_books_do_not_differ(books: BookMaker) -> None:
    found = differ(books.build([]), books.build([]))
    assert not found.anything
    assert found.money.totals == ()
    filled = differ(books.build([]), books.ledger(LEDGER, strategies=ONE))
    assert line(filled.money.totals).moved.net == dec("1.51")


def test_names_that_would_break_a_query_are_names(books: BookMaker) -> None:
    hostile = "x'); DROP TABLE fill; --\"<script>"
    before = books.ledger(LEDGER, strategies=ONE)
    after = books.ledger(LEDGER, strategies={"alpha-": hostile, "beta-": "two"})
    found = differ(before, after)
    assert line(found.money.strategies, strategy=hostile).moved.net == dec("0.73")


def test_comparing_changes_neither_file_and_leaves_nothing_behind(one: Built, other: Built) -> None:
    told = bytes_of(one.path.parent)
    assert differ(one, other).anything
    assert bytes_of(one.path.parent) == told
    assert differ(one, other) == differ(one, other)
