"""Two projection files side by side, read-only: what each says of itself, and its layout.

They are called `before` and `after` in SQL. A file of an older version may lack tables and columns,
so nothing here expects more than that it was finished.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import duckdb

from domain.columns import Table, columns_of
from domain.errors import ProjectionError, UsageError
from projections.sql import identifier
from replay.database import Resources
from replay.diff.attaching import attach, config_of, lock
from replay.ports import EventLog

Name = Literal["before", "after"]
NAMES: Final[tuple[Name, Name]] = ("before", "after")
ACCOUNT: Final = "concat_ws('/', venue, account, mode) AS account"


@dataclass(frozen=True, slots=True)
class Side:
    """What one file says of itself; empty where its version did not say it yet."""

    path: Path
    watermark: int
    as_of: str
    seal_digest: str
    code_digest: str
    rules_version: str
    rules_digest: str
    libraries: str
    content_fingerprint: str

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was left out up to the watermark; a position says no more than the watermark."""
        told = filter(None, self.as_of.split(", "))
        return tuple(one for one in told if not one.startswith("position "))


@dataclass(frozen=True, slots=True)
class Layout:
    """The tables of one file: types of the columns by name, rows and content fingerprints."""

    columns: Mapping[str, Mapping[str, str]]
    prints: Mapping[str, tuple[int, str]]

    def has(self, table: str, *columns: str) -> bool:
        """Say whether there is such a table with such columns."""
        return table in self.columns and set(columns) <= self.columns[table].keys()


@dataclass(frozen=True, slots=True)
class Pair:
    """Both files in one connection."""

    connection: duckdb.DuckDBPyConnection
    before: Side
    after: Side
    layouts: tuple[Layout, Layout]

    def both_have(self, table: str, *columns: str) -> bool:
        """Say whether both files have such a table with such columns."""
        return all(layout.has(table, *columns) for layout in self.layouts)

    def both_hold(self, model: type[Table], *columns: str) -> bool:
        """Say whether both files have these columns of a table as this version declares them."""
        declared = {column.name: column.sql_type for column in columns_of(model)}
        return all(
            layout.columns.get(model.table, {}).get(name) == declared[name]
            for layout in self.layouts
            for name in columns
        )

    def same_content(self, *tables: str) -> bool:
        """Say whether both files hold the same in these tables, by their fingerprints."""
        before, after = self.layouts
        return all(
            table in before.prints and before.prints[table] == after.prints.get(table)
            for table in tables
        )

    @property
    def same_events(self) -> bool:
        """Whether both are of the same events: what differs comes of other rules or code."""
        told = [
            (side.watermark, side.seal_digest, side.left_out) for side in (self.before, self.after)
        ]
        return told[0] == told[1]


@contextmanager
def side_by_side(before: Path, after: Path, resources: Resources) -> Iterator[Pair]:
    """Open both files. Raise ProjectionError where one cannot be read or was never finished."""
    try:
        with duckdb.connect(config=config_of(after, "diff", resources)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            _attach(connection, "before", before)
            if after.exists() and before.samefile(after):
                _repeat(connection)
            else:
                _attach(connection, "after", after)
            lock(connection)
            yield Pair(
                connection,
                _side(connection, "before", before),
                _side(connection, "after", after),
                (_layout(connection, "before"), _layout(connection, "after")),
            )
    except duckdb.Error as error:
        message = f"cannot compare {before} with {after}: {error}"
        raise ProjectionError(message) from error


def check_log(pair: Pair, log: EventLog | None) -> bool:
    """Return whether both files are known to be of one log; raise UsageError if they are not.

    Of files that end at different positions, only the log itself can say it.
    """
    sides = (pair.before, pair.after)
    if log is None:
        same_end = pair.before.watermark == pair.after.watermark
        if same_end and pair.before.seal_digest != pair.after.seal_digest:
            message = (
                f"{pair.before.path} and {pair.after.path} are of different logs: the seals at "
                f"position {pair.before.watermark} differ"
            )
            raise UsageError(message)
        return same_end
    for side in sides:
        if side.watermark == 0:
            continue
        seal = log.seal_of(side.watermark)
        if seal is None or seal.digest.hex() != side.seal_digest:
            message = (
                f"{side.path} is of another log: its seal at position {side.watermark} is not "
                "that of this book's log"
            )
            raise UsageError(message)
    return True


def _attach(connection: duckdb.DuckDBPyConnection, name: Name, path: Path) -> None:
    if not path.is_file():
        message = f"{path} is missing: there is nothing to compare"
        raise ProjectionError(message)
    try:
        attach(connection, name, path)
    except duckdb.Error as error:
        message = f"cannot read {path}: {error}"
        raise ProjectionError(message) from error


def _repeat(connection: duckdb.DuckDBPyConnection) -> None:
    """Show the tables of `before` as `after` too: one file cannot be attached twice."""
    connection.execute("CREATE SCHEMA after")
    for table in _columns(connection, "before"):
        name = identifier(table)
        connection.execute(f"CREATE VIEW after.{name} AS SELECT * FROM before.{name}")


def _side(connection: duckdb.DuckDBPyConnection, name: Name, path: Path) -> Side:
    try:
        row = connection.execute(f"SELECT * FROM {name}.projection_meta").fetchone()
        told = [column[0] for column in connection.description or ()]
    except duckdb.CatalogException:
        row, told = None, []
    if row is None:
        message = f"{path} was never finished, or is no projection"
        raise ProjectionError(message)
    said = dict(zip(told, row, strict=True))
    if not isinstance(said.get("watermark"), int):
        message = f"{path} does not say how far it goes: it is of another version"
        raise ProjectionError(message)
    texts = [str(said.get(field) or "") for field in Side.__slots__[2:]]
    return Side(path, said["watermark"], *texts)


def _layout(connection: duckdb.DuckDBPyConnection, name: Name) -> Layout:
    columns = _columns(connection, name)
    prints: dict[str, tuple[int, str]] = {}
    if {"table_name", "rows", "content_fingerprint"} <= columns.get("table_fingerprint", {}).keys():
        rows = connection.execute(
            f"SELECT table_name, rows, content_fingerprint FROM {name}.table_fingerprint"
        ).fetchall()
        prints = {table: (count, content) for table, count, content in rows}
    return Layout(columns, prints)


def _columns(connection: duckdb.DuckDBPyConnection, name: Name) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE (database_name = $name AND schema_name = 'main') OR schema_name = $name "
        "ORDER BY table_name, column_index",
        {"name": name},
    ).fetchall()
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        declared = kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
        columns.setdefault(table, {})[column] = declared
    return columns
