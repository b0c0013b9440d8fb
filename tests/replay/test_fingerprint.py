"""Digests that see every value, and do not see the order of rows."""

import duckdb
import pytest

from domain.holdings import LotMatch
from domain.results import Restatement
from projections.schema import create_table
from replay.fingerprint import of_table, of_tables, whole
from tests.books import BookMaker, Built

LEDGER = """
    A 10:00 yes 10 @ 0.62 fee 0.17 as bot-1
    A 11:00 no 4 @ 0.35 fee 0.07
    B 11:00 no 4 @ 0.35 fee 0.07
    A 12:00 settles yes
"""


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    return shelf.ledger(LEDGER)


@pytest.fixture
def copy(book: Built) -> duckdb.DuckDBPyConnection:
    """A database of its own with the lot matches of the book."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(create_table(LotMatch))
    lots = book.connection.sql("FROM lot_match").to_arrow_table()
    connection.register("lots", lots)
    connection.execute("INSERT INTO lot_match BY NAME FROM lots")
    return connection


def test_a_copy_has_the_fingerprint_that_the_file_states(
    book: Built, copy: duckdb.DuckDBPyConnection
) -> None:
    stated = book.one("SELECT * FROM table_fingerprint WHERE table_name = 'lot_match'")
    seen = of_table(copy, LotMatch)
    assert (seen.rows, seen.full, seen.content) == (
        stated["rows"],
        stated["fingerprint"],
        stated["content_fingerprint"],
    )


def test_the_order_of_rows_does_not_show(copy: duckdb.DuckDBPyConnection) -> None:
    before = of_table(copy, LotMatch)
    copy.execute("CREATE TEMP TABLE turned AS FROM lot_match ORDER BY closed_at DESC")
    copy.execute("DELETE FROM lot_match")
    copy.execute("INSERT INTO lot_match FROM turned")
    assert of_table(copy, LotMatch) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE lot_match SET realized_gross = realized_gross + 0.00000000000000000001",
        "UPDATE lot_match SET fees = NULL",
        "UPDATE lot_match SET strategy = 'x'",
        "UPDATE lot_match SET closed_at = closed_at + INTERVAL 1 MICROSECOND",
        "DELETE FROM lot_match WHERE close_kind = 'fill'",
        "INSERT INTO lot_match FROM lot_match",
    ],
)
def test_any_change_of_content_shows(copy: duckdb.DuckDBPyConnection, change: str) -> None:
    before = of_table(copy, LotMatch)
    copy.execute(change)
    after = of_table(copy, LotMatch)
    assert after.full != before.full
    assert after.content != before.content


def test_log_positions_show_in_the_full_fingerprint_only(copy: duckdb.DuckDBPyConnection) -> None:
    before = of_table(copy, LotMatch)
    copy.execute("UPDATE lot_match SET open_position = open_position + 1")
    after = of_table(copy, LotMatch)
    assert after.full != before.full
    assert after.content == before.content


def test_a_value_that_moves_to_another_column_shows(copy: duckdb.DuckDBPyConnection) -> None:
    before = of_table(copy, LotMatch)
    copy.execute("UPDATE lot_match SET open_fill_id = close_id, close_id = open_fill_id")
    assert of_table(copy, LotMatch).content != before.content


def test_the_whole_depends_on_every_part_and_on_no_order(copy: duckdb.DuckDBPyConnection) -> None:
    copy.execute(create_table(Restatement))
    lots, restated = of_table(copy, LotMatch), of_table(copy, Restatement)
    assert whole([lots, restated]) == whole([restated, lots])
    assert whole([lots, restated]) != whole([lots])


def test_the_file_states_the_whole_of_its_parts(book: Built) -> None:
    meta = book.one("SELECT fingerprint, content_fingerprint FROM projection_meta")
    assert meta["fingerprint"] == book.rebuilt.meta.fingerprint
    assert meta["content_fingerprint"] == book.rebuilt.meta.content_fingerprint


def test_a_table_without_rows_has_the_fingerprint_that_a_query_gives(
    copy: duckdb.DuckDBPyConnection,
) -> None:
    copy.execute(create_table(Restatement))
    parts = of_tables(copy, [LotMatch, Restatement])
    assert parts == [of_table(copy, LotMatch), of_table(copy, Restatement)]
    assert [part.rows > 0 for part in parts] == [True, False]
