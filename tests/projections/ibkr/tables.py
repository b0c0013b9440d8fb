"""Rows of tables, made by hand, for one step at a time."""

from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import duckdb

from domain.columns import Column, Table, columns_of
from domain.facts import FACTS
from domain.results import TABLES
from projections import schema, sql

Row = dict[str, Any]

AT: Final = datetime(2025, 3, 10, 15, tzinfo=UTC)
OWNER: Final = {"venue": "ibkr", "account": "U1", "mode": "live"}
_MODELS: Final[dict[str, type[Table]]] = {
    **{model.table: model for model in TABLES},
    **{f"merged_{fact.table}": fact for fact in FACTS},
}
_COMMON: Final[Row] = {
    "fill": {
        "subaccount": 0,
        "subaccount_named": True,
        "asset_class": "STK",
        "booking": "execution",
        "multiplier": 1,
        "fee_state": "stated",
        "fee_currency": "USD",
        "executed_at": AT,
    },
    "merged_cash_movement": {"fee": 0, "status": "applied", "created_at": AT},
    "merged_corporate_action": {"asset_class": "STK", "multiplier": 1, "happened_at": AT},
    "merged_position_snapshot": {"subaccount": 0, "told_by": "statement"},
    "merged_statement": {"generated_at": AT, "query_name": "-"},
    "lot_match": {
        "subaccount": 0,
        "close_kind": "fill",
        "trade_id": "t",
        "strategy": "unattributed",
        "open_strategy": "unattributed",
        "direction": "long",
        "open_price": 1,
        "close_price": 1,
        "multiplier": 1,
        "rounding": 0,
        "premium": 0,
        "basis_state": "known",
        "fee_state": "complete",
        "fees": 0,
        "opened_at": AT,
        "closed_at": AT,
        "open_position": 1,
        "close_position": 2,
    },
    "instrument": {
        "asset_class": "STK",
        "family": "XYZ",
        "series": "XYZ",
        "event": "XYZ",
        "strike_text": "",
        "strike_kind": "other",
    },
    "opening": {"subaccount": 0, "evidence": "closing", "before": AT},
}
_COMMON["merged_fill"] = _COMMON["fill"]


class Tables:
    """All tables, empty at first, facts also under their merged names."""

    def __init__(self) -> None:
        """Make them."""
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        for name in sql.names("macros"):
            self.connection.execute(sql.text("macros", name))
        for model in TABLES:
            self.connection.execute(schema.create_table(model))
        for fact in FACTS:
            made = schema.create_table(fact).replace(f'"{fact.table}"', f"merged_{fact.table}", 1)
            self.connection.execute(made)
        self._positions = count(1)

    def add(self, table: str, **values: Any) -> None:  # noqa: ANN401 - of any column
        """Put in one row; what is not said is usual, else the first choice, else empty."""
        columns = columns_of(_MODELS[table])
        row = {"currency": "USD", "position": next(self._positions)}
        row |= OWNER | _COMMON.get(table, {}) | values
        known = {column.name: column for column in columns}
        row = {c.name: c.choices[0] for c in columns if c.required and c.choices} | row
        assert values.keys() <= known.keys(), values.keys() - known.keys()
        told = {name: value for name, value in row.items() if name in known}
        slots = ", ".join(f"?::{known[name].sql_type}" for name in told)
        names = ", ".join(f'"{name}"' for name in told)
        self.connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({slots})", list(map(_text, told.values()))
        ).fetchall()

    def run(self, *steps: str) -> None:
        """Run steps, one behind the other."""
        for step in steps:
            self.connection.execute(sql.text("steps", step)).fetchall()

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query as dicts."""
        found: list[Row] = self.connection.sql(query).to_arrow_table().to_pylist()
        return found

    def one(self, query: str) -> Row:
        """Return the only row."""
        (row,) = self.rows(query)
        return row

    def check(self, table: str) -> None:
        """Say what the rows of a table lack: every choice is one of the declared ones."""
        for column in columns_of(_MODELS[table]):
            assert not self._wrong(table, column), column.name

    def _wrong(self, table: str, column: Column) -> list[Row]:
        if not column.choices:
            return []
        choices = ", ".join(f"'{choice}'" for choice in column.choices)
        return self.rows(f"SELECT * FROM {table} WHERE {column.name} NOT IN ({choices})")


def _text(value: object) -> object:
    return value if value is None or isinstance(value, bool | datetime) else str(value)
