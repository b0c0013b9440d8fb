"""DuckDB, as this ledger needs it: exact settings, and transactions that cannot be lost.

DuckDB 2.0 can lose a transaction in silence: after an error inside it a later COMMIT returns
without complaint, and everything is gone. `transaction` never swallows, asks once more before it
commits, and reads back what it was told to expect.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from domain.errors import CannotDoError, ProjectionError

Config = dict[str, str | bool | int | float | list[str]]


@dataclass(frozen=True, slots=True)
class Resources:
    """What a rebuild may use; 0 threads and an empty limit leave the choice to DuckDB."""

    threads: int = 0
    memory: str = ""


def open_for_writing(path: Path, resources: Resources) -> duckdb.DuckDBPyConnection:
    """Open (or make) a projection file for the one process that writes it."""
    config: Config = {
        "temp_directory": str(path.with_name(f"{path.name}.tmp")),
        "preserve_insertion_order": False,
        # A rebuild frees and takes the same memory at every step: handing it back to the system
        # in between costs a sixth of the time.
        "allocator_flush_threshold": "16GB",
        "allocator_bulk_deallocation_flush_threshold": "16GB",
    }
    if resources.threads:
        config["threads"] = resources.threads
    if resources.memory:
        config["memory_limit"] = resources.memory
    return _connect(path, read_only=False, config=config)


def open_for_reading(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a projection file for queries: read-only, and closed off from other files."""
    if not path.exists():
        message = f"{path} is missing: run `brokertruth rebuild`"
        raise ProjectionError(message)
    connection = _connect(path, read_only=True, config={})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _connect(path: Path, *, read_only: bool, config: Config) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config=config)
        connection.execute("SET TimeZone = 'UTC'")
    except duckdb.Error as error:
        message = f"cannot open {path}: {error}"
        raise CannotDoError(message) from error
    return connection


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run a block in one transaction; on any error roll back and let the error through."""
    connection.execute("BEGIN TRANSACTION")
    try:
        yield
        connection.execute("SELECT 1")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
