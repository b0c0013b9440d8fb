"""What is read is the same whether a log comes in one piece, or in many and packed."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from domain import kinds
from domain.columns import columns_of
from domain.event import NewEvent
from domain.kind import Kind
from projections import merging, reading, sql
from replay import blank, flow
from replay.census import Census
from replay.database import Resources
from replay.intake import Packed, read_chunk, read_log
from replay.plan import Plan
from replay.ports import EVENT_SCHEMA
from tests.books import NOW, BookMaker, event
from tests.projections.test_unreadable import BASES
from tests.replay.test_skipping import RICH, RULES_MADE

READ: list[Kind] = [kind for kind in kinds.BY_NAME.values() if kind.fact is not None]


def poisoned() -> list[NewEvent]:
    """Return events of every readable sort, each beside others that cannot be read."""
    bad = [
        event(kind, text.replace("2026-", "2026-99-").replace("KX", "KY").replace("good", "bad"))
        for kind, text in BASES.values()
    ]
    return [*(event(kind, text) for kind, text in BASES.values()), *bad]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection with the macros and an empty chunk."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in sql.names("macros"):
            connection.execute(sql.text("macros", name))
        connection.register("events", EVENT_SCHEMA.empty_table())
        connection.execute(sql.text("census", "chunk"))
        yield connection


@pytest.mark.parametrize("size", [7, 100])
def test_a_log_in_many_pieces_makes_the_same_tables(books: BookMaker, size: int) -> None:
    events = [*RICH, *poisoned()]
    whole = books.build(events, rules=RULES_MADE)
    pieces = books.build(events, rules=RULES_MADE, chunk_events=size)
    assert pieces.rebuilt.meta.fingerprint == whole.rebuilt.meta.fingerprint
    assert whole.rebuilt.unreadable > 0


def test_a_cut_of_a_log_in_many_pieces_is_the_same(books: BookMaker) -> None:
    cut = NOW.replace(month=6, day=1, hour=11)
    whole = books.build(RICH, happened=cut)
    pieces = books.build(RICH, happened=cut, chunk_events=50)
    assert pieces.rebuilt.meta.fingerprint == whole.rebuilt.meta.fingerprint
    assert whole.rebuilt.facts < books.build(RICH).rebuilt.facts


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.name)
def test_a_packed_table_has_the_columns_that_the_reader_states(
    connection: duckdb.DuckDBPyConnection, kind: Kind
) -> None:
    assert kind.fact is not None
    Census(connection)
    packed = Packed(connection)
    names = packed.names(kind, kind.fact)
    columns = [column.name for column in columns_of(kind.fact)]
    assert names - set(columns) == {"generation", "contradiction"}
    described = connection.execute(f"DESCRIBE {reading.packed_table(kind.name)}").fetchall()
    kept = [name for name in columns if name in names]
    assert [name for name, *_ in described] == [*kept, "generation", "problem"]
    shown = connection.execute(f"DESCRIBE {reading.rendition_table(kind.fact)}").fetchall()
    assert [name for name, *_ in shown] == [*columns, "generation", "problem"]


def test_several_kinds_of_one_fact_are_shown_together(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    Census(connection)
    packed = Packed(connection)
    fill = kinds.BY_NAME["kalshi.fill"]
    assert fill.fact is not None
    tellers = [kind for kind in READ if kind.fact is fill.fact]
    for kind in tellers:
        packed.names(kind, fill.fact)
    assert len(tellers) > 3
    assert packed.stated[fill.fact].keys() == {kind.name for kind in tellers}
    assert connection.execute("SELECT count(*) FROM rendition_fill").fetchall() == [(0,)]


def test_a_chunk_is_read_into_temporary_tables_within_a_transaction(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """As new events are applied to a projection: nothing of it is left if that is taken back."""
    kind, text = BASES["fill"]
    made = event(kind, text)
    columns = ([1], [made.key], [1], [made.kind], [made.state])
    batch = dict(zip(EVENT_SCHEMA.names, columns, strict=True))
    connection.execute("CREATE TABLE kept (position BIGINT)")
    connection.execute("BEGIN")
    connection.register("events", EVENT_SCHEMA.empty_table().from_pydict(batch, EVENT_SCHEMA))
    (fact,) = read_chunk(connection, Census(connection), 0)
    connection.execute(f"INSERT INTO kept SELECT position FROM {reading.rendition_table(fact)}")
    connection.execute("COMMIT")
    assert connection.execute("FROM kept").fetchall() == [(1,)]


@pytest.mark.parametrize("size", [50, 1_000_000])
def test_what_was_told_is_given_up_with_the_facts(
    books: BookMaker, tmp_path: Path, size: int
) -> None:
    """Otherwise the renditions of a whole log would stay in memory to the end."""
    kept = (
        "SELECT table_name FROM duckdb_tables() WHERE temporary OR database_name = 'packed'"
        " UNION SELECT view_name FROM duckdb_views() WHERE temporary AND NOT internal"
    )
    with (
        books.log(RICH) as log,
        blank.open_copy(tmp_path / "book.duckdb", Resources(threads=1)) as connection,
    ):
        for name in sql.names("macros"):
            connection.execute(sql.text("macros", name))
        before = set(connection.execute(kept).fetchall())
        read = read_log(connection, log, log.head(), Plan(NOW, chunk_events=size))
        flow.merge(connection, read)
        assert len(connection.execute(kept).fetchall()) > 3 * len(read)
        for fact in read:
            connection.execute(merging.drop(merging.merged_table(fact)))
        after = set(connection.execute(kept).fetchall())
    assert after - before == {("shape_choice",), ("shape_seen",)}
