"""DDL of the published tables, generated from their declarations."""

from collections.abc import Iterable

from domain.columns import Column, Table, columns_of
from projections.sql import identifier, literal


def create_table(model: type[Table]) -> str:
    """Return the CREATE TABLE statement of a published table."""
    lines = [_column(column) for column in columns_of(model)]
    return f"CREATE TABLE {identifier(model.table)} (\n    " + ",\n    ".join(lines) + "\n)"


def absent(table: str, columns: Iterable[tuple[str, str]]) -> str:
    """Return SQL that stands for a working table without rows: a view that gives none.

    The engine sees that it is empty, and leaves out what reads it.
    """
    nothing = ", ".join(f"NULL::{kind} AS {identifier(name)}" for name, kind in columns)
    return f"CREATE TEMP VIEW {identifier(table)} AS SELECT {nothing} WHERE false"


def comments(model: type[Table]) -> str:
    """Return statements that put purpose and meanings into the database itself."""
    table = identifier(model.table)
    told = [f"COMMENT ON TABLE {table} IS {literal(model.purpose)}"]
    told += [
        f"COMMENT ON COLUMN {table}.{identifier(column.name)} IS {literal(column.meaning)}"
        for column in columns_of(model)
    ]
    return ";\n".join(told)


def _column(column: Column) -> str:
    required = " NOT NULL" if column.required else ""
    return f"{identifier(column.name)} {column.sql_type}{required}"
