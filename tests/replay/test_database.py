"""Transactions that cannot be lost, and files that cannot be changed by reading them."""

from pathlib import Path

import duckdb
import pytest

from domain.errors import CannotDoError, ProjectionError
from replay.database import MEMORY, Resources, open_for_reading, open_for_writing, transaction


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "book.duckdb"


def rows(connection: duckdb.DuckDBPyConnection) -> list[tuple[int]]:
    return connection.execute("SELECT x FROM t ORDER BY x").fetchall()


@pytest.fixture
def connection(path: Path) -> duckdb.DuckDBPyConnection:
    opened = open_for_writing(path, Resources(threads=1))
    opened.execute("CREATE TABLE t (x INTEGER)")
    return opened


def test_the_engine_loses_a_transaction_in_silence_after_a_swallowed_error(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """If this fails, DuckDB has mended it: `transaction` may then become simpler."""
    connection.execute("BEGIN TRANSACTION")
    connection.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(duckdb.Error):
        connection.execute("SELECT 1 // 0")
    connection.execute("COMMIT")
    assert rows(connection) == []
    connection.close()


def test_a_swallowed_error_inside_a_transaction_is_raised_at_its_end(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    def swallow() -> None:
        with transaction(connection):
            connection.execute("INSERT INTO t VALUES (1)")
            with pytest.raises(duckdb.Error):
                connection.execute("SELECT 1 // 0")

    with pytest.raises(duckdb.TransactionException):
        swallow()
    assert rows(connection) == []
    with transaction(connection):
        connection.execute("INSERT INTO t VALUES (2)")
    assert rows(connection) == [(2,)]
    connection.close()


def test_an_error_rolls_everything_back_and_goes_through(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    def fail() -> None:
        with transaction(connection):
            connection.execute("INSERT INTO t VALUES (1)")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert rows(connection) == []
    connection.close()


def test_what_was_committed_is_there_after_reopening(
    connection: duckdb.DuckDBPyConnection, path: Path
) -> None:
    with transaction(connection):
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()
    with open_for_reading(path) as again:
        assert rows(again) == [(1,)]


def test_a_reader_can_change_nothing_and_reach_no_other_file(
    connection: duckdb.DuckDBPyConnection, path: Path, tmp_path: Path
) -> None:
    connection.close()
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with open_for_reading(path) as reader:
        for query in (
            "INSERT INTO t VALUES (1)",
            "DROP TABLE t",
            f"FROM read_csv('{secret}')",
            f"COPY t TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'other.duckdb'}'",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                reader.execute(query)


def test_times_are_utc_whatever_the_process_says(connection: duckdb.DuckDBPyConnection) -> None:
    text = "SELECT TIMESTAMPTZ '2026-01-13 20:00:00+05:00'::VARCHAR"
    assert connection.execute(text).fetchone() == ("2026-01-13 15:00:00+00",)
    connection.close()


def test_resources_are_what_was_asked_for(path: Path) -> None:
    with open_for_writing(path, Resources(threads=1, memory="512MiB")) as opened:
        setting = "SELECT current_setting('threads'), current_setting('memory_limit')"
        assert opened.execute(setting).fetchone() == (1, "512.0 MiB")


def test_a_missing_projection_is_named_with_what_to_do(path: Path) -> None:
    with pytest.raises(ProjectionError, match="run `brokertruth rebuild`"):
        open_for_reading(path)


def test_a_file_that_is_no_database_is_not_opened(path: Path) -> None:
    path.write_text("not a database, but long enough to be looked at " * 100)
    with pytest.raises(CannotDoError, match="cannot open"):
        open_for_reading(path)
    assert path.read_text().startswith("not a database")


def limit_of(path: Path, resources: Resources) -> str:
    with open_for_writing(path, resources) as opened:
        return str(opened.execute("SELECT current_setting('memory_limit')").fetchone())


def test_the_engine_takes_no_more_memory_than_said_and_never_more_than_the_machine_allows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limit_of(path, Resources(memory=MEMORY)) == limit_of(path, Resources())
    assert limit_of(path, Resources(memory="100MB")) == "('95.3 MiB',)"
    # a machine on which the engine would choose less
    monkeypatch.setattr("replay.database.MEMORY", "900TB")
    assert "TiB" not in limit_of(path, Resources())
