"""Fingerprints: one digest a table, and one over all.

A table's fingerprint is its row count and the sum of its rows' hashes, so it does not depend on
the order of rows, and equal rows do not cancel out. The *content* fingerprint leaves out log
positions: it is equal for two books that were told the same facts in another order or batching.
Hashes are DuckDB's; the library is pinned, and its version is part of the code digest.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from domain.columns import Column, Table, columns_of
from domain.errors import ProjectionError
from projections.sql import identifier, literal


@dataclass(frozen=True, slots=True)
class Sums:
    """How many rows, and the sums of their hashes: what a fingerprint is made of.

    Rows that come or go are added or taken away.
    """

    rows: int = 0
    full: int = 0
    content: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        """Return the sums of both."""
        return Sums(self.rows + other.rows, self.full + other.full, self.content + other.content)

    def __sub__(self, other: "Sums") -> "Sums":
        """Return the sums without the other's rows."""
        return Sums(self.rows - other.rows, self.full - other.full, self.content - other.content)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Digest of one table."""

    table: str
    sums: Sums

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return self.sums.rows

    @property
    def full(self) -> str:
        """Digest of all columns."""
        return _digest(self.table, self.sums.rows, self.sums.full)

    @property
    def content(self) -> str:
        """Digest of the columns that are not provenance."""
        return _digest(self.table, self.sums.rows, self.sums.content)


def of_tables(
    connection: duckdb.DuckDBPyConnection, models: Sequence[type[Table]]
) -> list[Fingerprint]:
    """Return the fingerprints of published tables; that of an empty one asks nothing of it."""
    counts = " UNION ALL ".join(
        f"SELECT {literal(model.table)}, count(*) FROM {identifier(model.table)}"
        for model in models
    )
    rows = dict(connection.execute(counts).fetchall())
    return [
        of_table(connection, model) if rows[model.table] else Fingerprint(model.table, Sums())
        for model in models
    ]


def of_table(connection: duckdb.DuckDBPyConnection, model: type[Table]) -> Fingerprint:
    """Return the fingerprint of a published table."""
    return Fingerprint(model.table, sums_of(connection, model, identifier(model.table)))


def parts_of(model: type[Table]) -> dict[str, tuple[Column, ...]]:
    """Return the columns of the whole and of the content fingerprint."""
    columns = columns_of(model)
    content = tuple(column for column in columns if not column.provenance)
    return {"whole": columns, "content": content}


def sums_of(connection: duckdb.DuckDBPyConnection, model: type[Table], rows: str) -> Sums:
    """Return the sums of rows of a published table; `rows` is SQL that stands behind FROM."""
    sums = ", ".join(_sum(columns) for columns in parts_of(model).values())
    row = connection.execute(f"SELECT count(*), {sums} FROM {rows}").fetchone()
    if row is None:
        message = f"{model.table} gave no fingerprint"
        raise ProjectionError(message)
    count, full, part = row
    return Sums(count, int(full), int(part))


def whole(parts: Sequence[Fingerprint]) -> tuple[str, str]:
    """Return the full and the content fingerprint of all tables together."""
    ordered = sorted(parts, key=lambda part: part.table)
    return (
        _digest(*(f"{part.table} {part.full}" for part in ordered)),
        _digest(*(f"{part.table} {part.content}" for part in ordered)),
    )


def _sum(columns: Sequence[Column]) -> str:
    names = ", ".join(identifier(column.name) for column in columns)
    return f"coalesce(sum(hash({names})::HUGEINT), 0)::VARCHAR"


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()[:32]
