"""How a table is declared: one pydantic model, from which everything else is generated.

DDL, the check of required values, the merge of several renderings of one fact, and the data
dictionary all come from these declarations. A column is a field with `column(...)`:

    meaning     one sentence for the data dictionary, units last
    identity    part of what makes two rows the same fact
    inherited   a rendering that is silent about it does not erase what an earlier one said
    provenance  where a row came from (log position, time of arrival, sort of rendering): left
                out of the content fingerprint
    money       a change of it moves P&L

A field without `| None` is required: a row without it is unreadable.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from domain.units import Places


class Table(BaseModel):
    """A row of a published table."""

    table: ClassVar[str]
    purpose: ClassVar[str]


class Fact(Table):
    """A typed canonical row, read from one event of the log (or several renderings of it).

    `newest_by` names a column of the broker's that says which rendering is newest; where it is
    empty, the generation decides, then the log position. A fact with such a column lives through
    states: only changes of its money columns are restatements. `cash_effect` is SQL over the
    columns: what the fact does to the account's cash, for the money between two renderings.

    For a book as of the time `$cut`, `happens_at` is SQL over the columns for the fact's own time:
    what happened later does not count. What has none always counts: it describes (an instrument, a
    rate), or somebody says it of other facts (a claim, a commission). `as_cut` is SQL for columns
    of what counts that reach beyond the cut.
    """

    newest_by: ClassVar[str | None] = None
    cash_effect: ClassVar[str | None] = None
    happens_at: ClassVar[str | None] = None
    as_cut: ClassVar[Mapping[str, str]] = {}

    position: int = Field(
        description="Log position of the event that the row was read from.",
        json_schema_extra={"provenance": True},
    )
    venue: str = Field(
        description="Broker or exchange: kalshi, ibkr.", json_schema_extra={"identity": True}
    )
    account: str = Field(
        description="The user's name for the account.", json_schema_extra={"identity": True}
    )
    mode: str = Field(description="live or paper.", json_schema_extra={"identity": True})


def column(
    meaning: str,
    *,
    identity: bool = False,
    inherited: bool = False,
    provenance: bool = False,
    money: bool = False,
    default: Any = ...,  # noqa: ANN401 - pydantic's own signature
) -> Any:  # noqa: ANN401 - pydantic's own signature
    """Declare a column; see the module's text for the flags."""
    flags = {
        "identity": identity,
        "inherited": inherited,
        "provenance": provenance,
        "money": money,
    }
    extra: dict[str, Any] = {name: True for name, on in flags.items() if on}
    return Field(default, description=meaning, json_schema_extra=extra)


@dataclass(frozen=True, slots=True)
class Column:
    """One column, as SQL and the data dictionary need it."""

    name: str
    sql_type: str
    required: bool
    meaning: str
    places: Places | None
    choices: tuple[str, ...]
    identity: bool
    inherited: bool
    provenance: bool
    money: bool


_SQL_TYPES: dict[Any, str] = {
    str: "VARCHAR",
    int: "BIGINT",
    bool: "BOOLEAN",
    datetime: "TIMESTAMPTZ",
    date: "DATE",
    tuple[int, ...]: "BIGINT[]",
}


@cache
def columns_of(model: type[Table]) -> tuple[Column, ...]:
    """Return the columns of a table in declared order."""
    hints = typing.get_type_hints(model, include_extras=True)
    return tuple(_column(model, name, hints[name]) for name in model.model_fields)


def _column(model: type[Table], name: str, hint: Any) -> Column:  # noqa: ANN401 - a type hint
    field = model.model_fields[name]
    inner, required = _strip_none(hint)
    places, choices, sql_type = None, (), ""
    origin = typing.get_origin(inner)
    if origin is typing.Annotated:
        base, places = typing.get_args(inner)[:2]
        if base is not Decimal or not isinstance(places, Places):
            message = f"{model.__name__}.{name}: only exact decimals are annotated"
            raise TypeError(message)
        sql_type = places.sql
    elif origin is typing.Literal:
        choices, sql_type = typing.get_args(inner), "VARCHAR"
    else:
        sql_type = _SQL_TYPES[inner]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return Column(
        name=name,
        sql_type=sql_type,
        required=required,
        meaning=field.description or "",
        places=places,
        choices=choices,
        identity=bool(extra.get("identity")),
        inherited=bool(extra.get("inherited")),
        provenance=bool(extra.get("provenance")),
        money=bool(extra.get("money")),
    )


def _strip_none(hint: Any) -> tuple[Any, bool]:  # noqa: ANN401 - a type hint
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inner = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        if len(inner) != 1:
            message = f"a column has one type, not {hint}"
            raise TypeError(message)
        return inner[0], False
    return hint, True
