"""DuckDB, as this ledger needs it: exact settings, and transactions that cannot be lost.

DuckDB 2.0 can lose a transaction in silence: after an error inside it a later COMMIT returns
without complaint, and everything is gone. `transaction` never swallows, asks once more before it
commits, and reads back what it was told to expect.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final, NoReturn

import duckdb

from domain.errors import CannotDoError, ProjectionError, RebuildNeededError

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")

Config = dict[str, str | bool | int | float | list[str]]


MEMORY: Final = "4GB"
"""What the engine takes at most where nobody says otherwise; beyond it, it spills to disk."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a rebuild may use; 0 threads are all cores, an empty limit is MEMORY."""

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
    connection = _connect(path, read_only=False, config=config)
    # With several threads, a join whose sides were exchanged fails inside the engine now and then
    # (duckdb issue 24807). To join as written costs nothing measurable.
    connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
    if not resources.memory:
        _limit(connection)
    return connection


def _limit(connection: duckdb.DuckDBPyConnection) -> None:
    """Lower the limit that the engine chose by the size of the machine, if that is above MEMORY."""
    setting = "SELECT current_setting('memory_limit')"
    ((chosen,),) = connection.execute(setting).fetchall()
    connection.execute("SET memory_limit = $limit", {"limit": MEMORY})
    ((ours,),) = connection.execute(setting).fetchall()
    if _bytes(chosen) < _bytes(ours):
        connection.execute("SET memory_limit = $limit", {"limit": chosen})


def _bytes(told: str) -> Decimal:
    """Return a size that the engine told, such as 18.8 GiB, in bytes."""
    number, unit = told.split()
    return Decimal(number) * Decimal(1024) ** _UNITS.index(unit)


def open_for_reading(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a projection file for queries: read-only, and closed off from other files.

    Raise ProjectionError where there is none, or where it is damaged for good, RebuildNeededError
    where another version of the engine wrote it, CannotDoError where it cannot be opened now.
    """
    if not path.exists():
        message = f"{path} is missing: run `brokertruth rebuild`"
        raise ProjectionError(message)
    _refuse_other_files(path)
    connection = _connect(path, read_only=True, config={"enable_external_access": False})
    connection.execute("SET lock_configuration = true")
    return connection


def is_damage(error: duckdb.Error) -> bool:
    """Say whether the file itself is broken, so that trying again is of no use."""
    return any(words in str(error) for words in _DAMAGE)


_DAMAGE: Final = (
    "Corrupt database file",
    "Could not read enough bytes",
    "not a valid DuckDB database file",
)
_OTHER_STORAGE: Final = "database file with version number"
_IN_USE: Final = "Could not set lock on file"
_HOLDER: Final = re.compile(r"held in (?:\S*/)?(.+?)( \(PID \d+\))")

# No extension is ever loaded for a file that is of another kind.
_CLOSED: Final[Config] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_MAGIC: Final = slice(8, 12)


def _refuse_other_files(path: Path) -> None:
    """Refuse what does not begin as a file of the engine does."""
    try:
        with path.open("rb") as file:
            begins = file.read(_MAGIC.stop)
    except OSError as error:
        message = f"cannot open {path}: {error.strerror}"
        raise CannotDoError(message) from error
    if begins[_MAGIC] != b"DUCK":
        message = f"cannot open {path}: it is no projection"
        raise ProjectionError(message)


def _connect(path: Path, *, read_only: bool, config: Config) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config=config | _CLOSED)
    except duckdb.Error as error:
        _refuse(path, error)
    try:
        connection.execute("SET TimeZone = 'UTC'")
    except duckdb.Error as error:
        connection.close()
        _refuse(path, error)
    return connection


def _refuse(path: Path, error: duckdb.Error) -> NoReturn:
    told = str(error)
    if _IN_USE in told:
        found = _HOLDER.search(told)
        holder = "".join(found.groups()) if found else "another process"
        message = f"{path} is in use by {holder}: close it there, or open it there read-only"
        raise CannotDoError(message) from error
    message = f"cannot open {path}: {error}"
    if is_damage(error):
        raise ProjectionError(message) from error
    if _OTHER_STORAGE in told:
        raise RebuildNeededError(message) from error
    raise CannotDoError(message) from error


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
