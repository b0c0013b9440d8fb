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
class Fingerprint:
    """Digest of one table."""

    table: str
    rows: int
    full: str
    content: str


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
        of_table(connection, model) if rows[model.table] else _made(model, 0, "0", "0")
        for model in models
    ]


def of_table(connection: duckdb.DuckDBPyConnection, model: type[Table]) -> Fingerprint:
    """Return the fingerprint of a published table."""
    columns = columns_of(model)
    content = [column for column in columns if not column.provenance]
    row = connection.execute(
        f"SELECT count(*), {_sum(columns)}, {_sum(content)} FROM {identifier(model.table)}"
    ).fetchone()
    if row is None:
        message = f"{model.table} gave no fingerprint"
        raise ProjectionError(message)
    return _made(model, *row)


def _made(model: type[Table], rows: int, full: str, content: str) -> Fingerprint:
    return Fingerprint(
        table=model.table,
        rows=rows,
        full=_digest(model.table, rows, full),
        content=_digest(model.table, rows, content),
    )


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
