"""Tables as text: for a screen, as CSV, as JSON, as Parquet.

Everywhere a decimal keeps all its digits, loses its trailing zeros and never gets an exponent, and
a moment is UTC.

    screen   numbers to the right and never cut, NULL as `·`, long texts shortened in the middle
             where the table would be wider than the screen; if that is not enough, row by row
    CSV      RFC 4180 with CRLF. A text cell (or column name) that begins with = + - @, a tab or a
             carriage return gets a leading ', because a spreadsheet would run it; numbers and
             times do not. NULL is nothing, an empty text is ""
    JSON     an array of objects; decimals, times and dates are strings, NULL is null
    Parquet  the table as it is
"""

import json
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.cells import cell_len

from domain.errors import CannotDoError
from tools.cells import is_number, is_text, json_values, printable, texts

WIDTH: Final = 100
NULL: Final = "·"
_GAP: Final = "  "
_TEXT_LEAST: Final = 8
_BATCH_ROWS: Final = 65_536
_FORMULA: Final = "^[=+\\-@\t\r]"
_QUOTED: Final = '[",\r\n]'


def as_table(
    table: pa.Table,
    width: int = WIDTH,
    limit: int | None = None,
    *,
    closing: bool = True,
    numbers: Collection[str] = (),
) -> str:
    """Return a table for a screen; the last line says how many rows there are.

    Without `closing` it does so only where rows were left out. `numbers` are the columns of texts
    that are numbers.
    """
    shown = table if limit is None else table.slice(0, limit)
    cells = [
        [NULL if text is None else printable(text) for text in _screen_texts(column)]
        for column in shown.columns
    ]
    names = [printable(name) for name in shown.column_names]
    widths = [
        max(map(cell_len, [name, *column])) for name, column in zip(names, cells, strict=True)
    ]
    right = [is_number(field.type) or field.name in numbers for field in shown.schema]
    flexible = [
        is_text(field.type) and not number
        for field, number in zip(shown.schema, right, strict=True)
    ]
    fitting = _fit(widths, [cell_len(name) for name in names], flexible, width)
    if fitting is None:
        lines = _row_by_row(names, cells, shown.num_rows)
    else:
        lines = [_line(names, fitting, right), _GAP.join("─" * wide for wide in fitting)]
        lines += [_line(row, fitting, right) for row in zip(*cells, strict=True)]
    if closing or shown.num_rows < table.num_rows:
        lines.append(_closing(shown.num_rows, table.num_rows))
    return "\n".join(lines)


def as_csv(table: pa.Table) -> str:
    """Return a table as CSV; see the module's text for what is quoted."""
    return "".join(csv_pieces(table))


def csv_pieces(table: pa.Table) -> Iterator[str]:
    """Yield a table as CSV, piece by piece, so that a large one need not be held as text."""
    header = _csv_cells(pa.array(table.column_names, pa.string()))
    yield ",".join(header.to_pylist()) + "\r\n"
    for batch in _batches(table):
        columns = [
            pc.fill_null(_csv_cells(texts(column)) if is_text(column.type) else texts(column), "")
            for column in batch.columns
        ]
        rows = pc.binary_join_element_wise(*columns, ",")
        yield "".join(f"{row}\r\n" for row in rows.to_pylist())


def as_json(table: pa.Table) -> str:
    """Return a table as a JSON array of objects, one line each."""
    return "".join(json_pieces(table))


def json_pieces(table: pa.Table) -> Iterator[str]:
    """Yield a table as JSON, piece by piece."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    before = "["
    for batch in _batches(table):
        yield before + ",".join(f"\n{encode(row)}" for row in as_rows(batch))
        before = ","
    yield "\n]" if table.num_rows else "[]"


def as_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return a table as the rows of `as_json`, for an object that holds them."""
    columns = [json_values(column) for column in table.columns]
    names = table.column_names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table to `path`, whole or not at all. Raise CannotDoError where that fails."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror or error}"
        raise CannotDoError(message) from error
    finally:
        temporary.unlink(missing_ok=True)


def _batches(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, _BATCH_ROWS):
        yield table.slice(start, _BATCH_ROWS)


def _csv_cells(cells: pa.Array) -> pa.Array:
    """Guard texts against spreadsheets, and quote those that need it."""
    risky = pc.match_substring_regex(cells, _FORMULA)
    cells = pc.if_else(risky, pc.binary_join_element_wise("'", cells, ""), cells)
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(cells, '"', '""'), '"', "")
    needed = pc.or_(pc.match_substring_regex(cells, _QUOTED), pc.equal(cells, ""))
    return pc.if_else(needed, quoted, cells)


# --- layout --------------------------------------------------------------------------------------


def _screen_texts(column: pa.ChunkedArray) -> list[str | None]:
    cells = texts(column)
    if pa.types.is_timestamp(column.type):
        cells = pc.replace_substring(cells, "T", " ")
    return list(cells.to_pylist())


def _fit(
    widths: Sequence[int], names: Sequence[int], flexible: Sequence[bool], width: int
) -> list[int] | None:
    """Return widths that fit the screen, narrowing the widest text first; None if none do."""
    fitting = list(widths)
    room = width - len(_GAP) * (len(widths) - 1)
    while sum(fitting) > room:
        narrowable = [
            index
            for index, wide in enumerate(fitting)
            if flexible[index] and wide > max(_TEXT_LEAST, names[index])
        ]
        if not narrowable:
            return None
        fitting[max(narrowable, key=lambda index: fitting[index])] -= 1
    return fitting


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, wide, to_the_right in zip(cells, widths, right, strict=True):
        text = _shortened(cell, wide)
        space = " " * (wide - cell_len(text))
        padded.append(space + text if to_the_right else text + space)
    return _GAP.join(padded).rstrip()


def _shortened(text: str, width: int) -> str:
    """Return a text that is too wide without its middle."""
    if cell_len(text) <= width:
        return text
    head, tail = "", ""
    for index in range(len(text)):
        longer_head = head + text[len(head)]
        if cell_len(longer_head) + cell_len(tail) + 1 > width:
            break
        head = longer_head
        longer_tail = text[-1 - len(tail)] + tail
        if cell_len(head) + cell_len(longer_tail) + 1 > width or index + 1 >= len(text):
            break
        tail = longer_tail
    return f"{head}…{tail}"


def _row_by_row(names: Sequence[str], cells: Sequence[Sequence[str]], rows: int) -> list[str]:
    wide = max(map(cell_len, names))
    lines: list[str] = []
    for row in range(rows):
        lines.append(f"── row {row + 1}")
        lines += [
            f"{name}{' ' * (wide - cell_len(name))}{_GAP}{column[row]}"
            for name, column in zip(names, cells, strict=True)
        ]
    return lines


def _closing(shown: int, rows: int) -> str:
    word = "row" if rows == 1 else "rows"
    return f"{rows} {word}" if shown == rows else f"first {shown} of {rows} {word}"
