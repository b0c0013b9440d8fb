"""One column as texts or as JSON values, exactly; what every rendering of a table rests on."""

import json
import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from replay.explain.nodes import decimal_text


def printable(text: str) -> str:
    """Return a text without anything that moves the cursor or colours the screen."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a column holds numbers."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind)
    )


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a column holds text, or something that is written as text."""
    exact = pa.types.is_temporal(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)
    return not (is_number(kind) or exact)


def texts(column: pa.ChunkedArray) -> pa.Array:
    """Return the cells as strings, moments in ISO 8601."""
    column = _combined(column)
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_decimal128(kind):
        return _decimal_texts(column)
    if pa.types.is_timestamp(kind):
        naive = column.cast(pa.timestamp("us"))
        text = pc.replace_substring(naive.cast(pa.string()), " ", "T")
        text = pc.replace_substring_regex(text, r"\.000000$", "")
        return text if kind.tz is None else pc.binary_join_element_wise(text, "Z", "")
    if pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    return pa.array([_one_text(value) for value in column.to_pylist()], pa.string())


def _combined(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.combine_chunks()


def _decimal_texts(column: pa.Array) -> pa.Array:
    """Return decimals as texts. Arrow's own cast would write 0E-20."""
    scale = column.type.scale
    if scale <= 0:
        return pa.array(
            [None if value is None else f"{value:f}" for value in column.to_pylist()], pa.string()
        )
    units = column.view(pa.decimal128(column.type.precision, 0)).cast(pa.string())
    sign = pc.if_else(pc.starts_with(units, "-"), "-", "")
    digits = pc.utf8_lpad(pc.utf8_ltrim(units, "-"), scale + 1, padding="0")
    whole = pc.utf8_slice_codeunits(digits, 0, -scale)
    places = pc.utf8_rtrim(pc.utf8_slice_codeunits(digits, -scale), "0")
    point = pc.if_else(pc.equal(places, ""), "", ".")
    return pc.binary_join_element_wise(sign, whole, point, places, "")


def _one_text(value: object) -> str | None:
    plain = _plain(value)
    if isinstance(plain, float):
        return decimal_text(Decimal(repr(plain)))
    if plain is None or isinstance(plain, str):
        return plain
    return json.dumps(plain, ensure_ascii=False)


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return a value as JSON can hold it, without losing anything."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple) and not isinstance(value, pa.MonthDayNano):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _spelled(value)


def _spelled(value: object) -> str:
    """Return as text what JSON has no type for."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat()
        return text if value.tzinfo is None else f"{text}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, pa.MonthDayNano):
        return f"{value.months} months {value.days} days {value.nanoseconds} ns"
    return str(value)


def json_values(column: pa.ChunkedArray) -> list[Any]:
    """Return the cells as JSON can hold them; decimals, times and dates as strings."""
    kind = column.type
    if pa.types.is_decimal(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return list(texts(column).to_pylist())
    return [_plain(value) for value in column.to_pylist()]
