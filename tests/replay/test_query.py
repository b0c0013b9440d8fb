"""Questions: one SELECT, answered exactly; everything else refused in plain words."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from domain.errors import UsageError
from replay import query
from tests.books import BookMaker


@pytest.fixture(scope="module")
def connection(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[duckdb.DuckDBPyConnection]:
    # One book for all: nothing here can change it.
    text = """
        A 10:00 yes 10 @ 0.62 fee 0.17
        A 12:00 settles yes
    """
    maker = BookMaker(tmp_path_factory.mktemp("book"))
    yield maker.ledger(text).connection
    maker.close()


def refusal(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        query.run(connection, text)
    return str(caught.value)


def test_decimals_stay_exact_and_times_are_utc(connection: duckdb.DuckDBPyConnection) -> None:
    answer = query.run(connection, "SELECT realized_net, closed_at FROM lot_match")
    assert answer.schema.field("realized_net").type == pa.decimal128(38, 20)
    assert answer.schema.field("closed_at").type == pa.timestamp("us", tz="UTC")
    (row,) = answer.to_pylist()
    assert row["realized_net"] == Decimal("3.63")
    assert row["closed_at"] == datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 AS one;",
        "-- a comment\nSELECT 1 AS one",
        "FROM (VALUES (1)) AS v(one)",
        "WITH a AS (SELECT 1 AS one) SELECT * FROM a",
        "(SELECT 1 AS one) UNION (SELECT 1)",
    ],
)
def test_every_way_to_ask_is_answered(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert query.run(connection, text).to_pylist() == [{"one": 1}]


def test_tables_can_be_looked_at(connection: duckdb.DuckDBPyConnection) -> None:
    assert "lot_match" in query.run(connection, "SHOW TABLES").column("name").to_pylist()
    assert query.run(connection, "DESCRIBE fill").num_rows > 10


def test_parameters_are_values_not_sql(connection: duckdb.DuckDBPyConnection) -> None:
    by_place = query.run(connection, "SELECT ? AS a, $1 AS b", ["'; DROP TABLE fill"])
    assert by_place.to_pylist() == [{"a": "'; DROP TABLE fill", "b": "'; DROP TABLE fill"}]
    by_name = query.run(connection, "SELECT $x AS a", {"x": 3})
    assert by_name.to_pylist() == [{"a": 3}]


def test_parameters_that_do_not_fit_are_named(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match=r"not given: \$x"):
        query.run(connection, "SELECT $x AS a", {"y": 3})
    with pytest.raises(UsageError, match=r"does not use: \$2"):
        query.run(connection, "SELECT $1 AS a", [1, 2])


@pytest.mark.parametrize(
    "text",
    [
        "ATTACH 'x.db'",
        "COPY fill TO 'x.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "RESET threads",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "INSERT INTO fill SELECT * FROM fill",
        "DELETE FROM fill",
        "CREATE TEMP TABLE x (a INTEGER)",
        "EXPLAIN ANALYZE CREATE TEMP TABLE x (a INTEGER)",
        "DROP TABLE fill",
        "BEGIN",
        "CHECKPOINT",
        "EXPORT DATABASE 'x'",
        "PREPARE p AS SELECT 1",
        "VACUUM",
    ],
)
def test_what_is_not_a_question_is_refused_by_name(
    connection: duckdb.DuckDBPyConnection, text: str
) -> None:
    assert refusal(connection, text).startswith(f"{text.split(maxsplit=1)[0]} is not a question")
    assert query.run(connection, "SELECT count(*) AS fills FROM fill").to_pylist() == [{"fills": 1}]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('pyproject.toml')",
        "SELECT * FROM glob('*')",
        "SELECT * FROM 'pyproject.toml'",
    ],
)
def test_other_files_cannot_be_read(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert refusal(connection, text)


def test_a_variable_of_the_program_is_not_a_table(connection: duckdb.DuckDBPyConnection) -> None:
    known = pa.table({"secret": [1]})
    assert "known does not exist" in refusal(connection, "SELECT * FROM known")
    assert known.num_rows == 1


def test_two_statements_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    assert "2 statements" in refusal(connection, "SELECT 1; DROP TABLE fill")


@pytest.mark.parametrize("text", ["", "  ", "-- nothing", ";"])
def test_nothing_is_refused(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert refusal(connection, text) == "there is no SQL in the query"


def test_a_pivot_must_name_its_values(connection: duckdb.DuckDBPyConnection) -> None:
    assert "IN (…)" in refusal(connection, "PIVOT fill ON side USING sum(quantity)")
    text = "PIVOT fill ON side IN ('buy') USING sum(quantity) GROUP BY instrument_id"
    assert query.run(connection, text).to_pylist() == [{"instrument_id": "A", "buy": Decimal(10)}]


def test_an_unknown_column_is_placed_and_a_name_suggested(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told = refusal(connection, "SELECT realised_net FROM lot_match")
    assert '"realized_net"' in told
    assert "LINE 1: SELECT realised_net" in told
    assert "^^^^" in told


def test_an_unknown_table_is_placed_and_the_tables_are_listed(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    told = refusal(connection, "SELECT * FROM fills")
    assert 'Did you mean "fill"' in told
    assert "LINE 1:" in told
    assert "cash_ledger" in told


def test_a_syntax_error_is_placed(connection: duckdb.DuckDBPyConnection) -> None:
    assert "LINE 1: SELEC 1" in refusal(connection, "SELEC 1")


def test_two_columns_of_one_name_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    assert refusal(connection, "SELECT 1 AS a, 2 AS a") == (
        "several columns are called a: give them names with AS"
    )


def test_a_result_that_was_not_read_to_its_end_is_not_in_the_way(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("SELECT * FROM range(100000)").fetchone()
    assert query.run(connection, "SELECT 1 AS one").to_pylist() == [{"one": 1}]


def test_a_saved_query_is_found_by_its_name() -> None:
    assert query.saved_query("pnl-by-day").question == (
        "What did each UTC day make, before and after fees?"
    )
    assert query.saved_query("@PNL_by_day") == query.saved_query("pnl-by-day")


def test_an_unknown_saved_query_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean base-pnl-by-day, pnl-by-day, "):
        query.saved_query("pnl")
    with pytest.raises(UsageError, match="did you mean drift"):
        query.saved_query("drfit")
    with pytest.raises(UsageError, match="there are attribution-by-evidence, "):
        query.saved_query("qqq")
