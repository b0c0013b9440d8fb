"""What `explain` draws from: published tables and the log, every row with the SELECT that finds it.

An event, and all that follows from it, is looked up by its log position: that is a number, and
numbers are found in a table of ten million rows without reading it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from textwrap import dedent
from typing import Any, Final, TypeAlias

import duckdb

from projections import sql
from replay.ports import EventLog

OWNER: Final = ("venue", "account", "mode")

_Found: TypeAlias = dict[object, list["Row"]]
_PARAMETER: Final = re.compile(r"'(?:[^']|'')*'|\?|\$([0-9]+)")


class Row(dict[str, Any]):
    """A row of a published table. `query` finds it."""

    query: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """What an explanation draws from. `shown` are the events whose bytes the tree holds already."""

    connection: duckdb.DuckDBPyConnection
    log: EventLog
    limit: int
    watermark: int
    shown: set[int] = field(default_factory=set)
    fetched: dict[tuple[str, str], _Found] = field(default_factory=dict)
    answers: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a query."""
        return self._run(query, parameters, bound(query, parameters))

    def find(self, table: str, where: Mapping[str, object], order: str = "ALL") -> list[Row]:
        """Return the rows of a table whose columns have the given values; no value equals NULL."""
        query = f"SELECT * FROM {table} WHERE {equal(*where)} ORDER BY {order}"
        text = bound(query, [*where.values()])
        if text not in self.answers:
            found = self._fetched(table, where)
            if found is None or (order != "ALL" and len(found) > 1):
                self.answers[text] = self._run(query, [*where.values()], text)
            else:
                self.answers[text] = [_row(row, text) for row in sorted(found, key=_order)]
        return self.answers[text]

    def _fetched(self, table: str, where: Mapping[str, object]) -> list[Row] | None:
        for column, value in where.items():
            rows = self.fetched.get((table, column), {}).get(value)
            if rows is not None:
                return [row for row in rows if _fits(row, where)]
        return None

    def fetch(self, tables: Iterable[str], column: str, values: Iterable[object]) -> None:
        """Read at once what `find` will be asked for: all rows that have one of the values."""
        wanted = list(dict.fromkeys(values))
        for table in tables:
            found = self.fetched.setdefault((table, column), {})
            missing = [value for value in wanted if value not in found]
            if not missing:
                continue
            found.update((value, []) for value in missing)
            query = f"SELECT * FROM {table} WHERE {column} IN (SELECT unnest(?))"
            for row in self._run(query, [missing], ""):
                found[row[column]].append(row)

    def _run(self, query: str, parameters: Sequence[object], text: str) -> list[Row]:
        result = self.connection.execute(query, list(parameters))
        names = [column[0] for column in result.description or ()]
        return [_row(zip(names, row, strict=True), text) for row in result.fetchall()]


def _row(values: Mapping[str, Any] | Iterable[tuple[str, Any]], query: str) -> Row:
    row = Row(values)
    row.query = query
    return row


def _fits(row: Row, where: Mapping[str, object]) -> bool:
    return all(value is not None and row[name] == value for name, value in where.items())


def _order(row: Row) -> list[tuple[bool, Any]]:
    """Return by what rows are in the order of all their columns, as DuckDB has it."""
    return [(value is None, value) for value in row.values()]


def equal(*columns: str) -> str:
    """Return the condition that each column equals a parameter.

    Column by column, because a comparison of rows is not handed down to the scan of a table.
    """
    return " AND ".join(f"{column} = ?" for column in columns)


OWN: Final = equal(*OWNER)


def owner_values(row: Mapping[str, Any]) -> list[object]:
    """Return whose row it is, as values."""
    return [row[name] for name in OWNER]


def owner_is(row: Mapping[str, Any]) -> dict[str, object]:
    """Return whose row it is, for `find`."""
    return {name: row[name] for name in OWNER}


def bound(query: str, parameters: Sequence[object]) -> str:
    """Return a query with its parameters written out as literals, to be run as it stands."""
    literals = [literal(value) for value in parameters]
    unnamed = iter(literals)

    def replaced(found: re.Match[str]) -> str:
        if found.group() == "?":
            return next(unnamed)
        return literals[int(found[1]) - 1] if found[1] else found.group()

    return _PARAMETER.sub(replaced, dedent(query).strip())


def literal(value: object) -> str:
    """Return a value as SQL that means exactly it. Raise TypeError for what is never asked."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    for kind, write in _LITERALS:
        if isinstance(value, kind):
            return write(value)
    message = f"no literal of {type(value).__name__}"
    raise TypeError(message)


# a bool is an int, and a moment is a date
_LITERALS: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (type(None), lambda _: "NULL"),
    (str, sql.literal),
    (bool, lambda value: str(value).upper()),
    (int, str),
    (datetime, lambda value: f"TIMESTAMPTZ '{value.astimezone(UTC).isoformat(sep=' ')}'"),
    (date, lambda value: f"DATE '{value.isoformat()}'"),
)
