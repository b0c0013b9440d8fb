"""CSV to rows: dumps of API rows, and the exports that the broker's web site offers.

A dump has the JSON keys as its columns; the types that a text file has lost are restored from
what the kind's readers declare. An export is text and stays text.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from adapters.files.rows import Found, Row
from domain.errors import NotUnderstoodError
from domain.jsontext import Integer, Real, quote
from domain.kalshi.reports import ACTIVITY, TRANSACTION
from domain.kinds import Kind, column_types, recognise

_EXPORTS: Final = (ACTIVITY, TRANSACTION)
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TRUE: Final = ("True", "true")
_FALSE: Final = ("False", "false")
# A time with its zone has no proper beginning that is one as well: it cannot have been cut.
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_NAMES_SHOWN: Final = 12

_Restore: TypeAlias = Callable[[str], tuple[object, str]]


class _Record(NamedTuple):
    cells: list[str]
    line: int
    """The line in which it begins."""
    text: str
    """With the line break at its end, if there is one."""

    @property
    def ended(self) -> bool:
        return self.text[-1:] in ("\n", "\r")


def find_rows(text: str) -> Found:
    """Return what a CSV text holds. Raise NotUnderstoodError with the row that is wrong."""
    records = _records(text)
    header = next(records, None)
    if header is None:
        raise NotUnderstoodError("no header line")
    kind = _kind(header.cells)
    form = "web export" if kind.name in _EXPORTS else "csv of API rows"
    found = Found(form=form, counts={kind.name: 0})
    build = _builder(kind, header.cells)
    last = header
    for number, last in enumerate(records, 1):
        if len(last.cells) != len(header.cells):
            raise NotUnderstoodError(_about_ragged(last, len(header.cells), number))
        found.add(build(last.cells, last.text.rstrip("\r\n")))
    if not last.ended and not (_ends_whole(last) if found.rows else _lists_all(kind, last.cells)):
        message = (
            "the last line does not end with a line break, so it may have been cut inside its "
            "last cell. Fetch the file again; if it is whole, add a line break at its end"
        )
        raise NotUnderstoodError(message)
    return found


def _records(text: str) -> Iterator[_Record]:
    """Yield cells, first line and text of each record; empty lines are no records."""
    consumed: list[str] = []

    def lines() -> Iterator[str]:
        # newline="" ends lines at \n, \r and \r\n and changes none of them.
        for one in io.StringIO(text, newline=""):
            consumed.append(one)
            yield one

    reader = csv.reader(lines(), strict=True)
    line = 1
    number = -1
    while True:
        consumed.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            at = f"the row {number + 1}" if number >= 0 else "the header"
            message = (
                f"{at}, from line {line}, cannot be read: {error}. Mostly a quote is opened and "
                "never closed, or the file was cut inside a quoted cell; fetch it again"
            )
            raise NotUnderstoodError(message) from None
        if cells is None:
            return
        if cells:
            number += 1
            yield _Record(cells, line, "".join(consumed))
        line += len(consumed)


def _kind(columns: list[str]) -> Kind:
    twice = [name for name, times in Counter(columns).items() if times > 1]
    if twice:
        names = ", ".join(map(repr, twice[:_NAMES_SHOWN]))
        message = f"the header names {names} more than once; which one counts?"
        raise NotUnderstoodError(message)
    kind = recognise(dict.fromkeys(columns))
    if kind is not None:
        return kind
    names = ", ".join(repr(name[:40]) for name in columns[:_NAMES_SHOWN])
    more = f" and {len(columns) - _NAMES_SHOWN} more" if len(columns) > _NAMES_SHOWN else ""
    hint = ""
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t|"):
        hint = " The separator must be a comma."
    message = (
        f"neither JSON nor a known CSV: the first line has the columns {names}{more}.{hint} "
        "Expected are API rows with their JSON keys as columns (fills, settlements, orders, "
        "markets, positions, balances), or Kalshi's own Transactions or Recent-Activity export; of "
        "Interactive Brokers, Flex statements are read, as XML: choose that format in the query"
    )
    raise NotUnderstoodError(message)


def _builder(kind: Kind, columns: list[str]) -> Callable[[list[str], str], Row]:
    keep_empty = kind.name in _EXPORTS
    types: Mapping[str, str] = {} if keep_empty else column_types(kind)
    plan = [(name, quote(name), _restorer(types.get(name))) for name in columns]

    def build(cells: list[str], raw: str) -> Row:
        value: dict[str, object] = {}
        texts: list[str] = []
        for (name, quoted, restore), cell in zip(plan, cells, strict=True):
            if cell or keep_empty:
                value[name], text = restore(cell)
                texts.append(f"{quoted}:{text}")
        return Row(kind, value, f"{{{','.join(texts)}}}", raw)

    return build


def _restorer(declared: str | None) -> _Restore:
    """Return what turns a cell into a value and its JSON text.

    A cell that does not fit its type stays a string, and the shape of the row tells.
    """
    known = {"integer": _integer, "number": _number, "boolean": _boolean}
    return known.get(declared or "", _string)


def _string(cell: str) -> tuple[object, str]:
    return cell, quote(cell)


def _integer(cell: str) -> tuple[object, str]:
    return (Integer(cell), cell) if _INTEGER.fullmatch(cell) else _string(cell)


def _number(cell: str) -> tuple[object, str]:
    if _INTEGER.fullmatch(cell):
        return Integer(cell), cell
    return (Real(cell), cell) if _NUMBER.fullmatch(cell) else _string(cell)


def _boolean(cell: str) -> tuple[object, str]:
    return (cell in _TRUE, cell.lower()) if cell in _TRUE + _FALSE else _string(cell)


def _about_ragged(record: _Record, columns: int, number: int) -> str:
    cells = len(record.cells)
    if not record.ended and cells < columns:
        return (
            f"the last row ({number}, line {record.line}) breaks off: {cells} of {columns} "
            "cells. The file was cut; fetch it again"
        )
    return (
        f"row {number} (line {record.line}) has {cells} cells under a header of {columns} "
        "columns; a comma or a quote too many or too few"
    )


def _ends_whole(record: _Record) -> bool:
    """Tell whether a record without a line break proves by its last cell that it was not cut.

    Kalshi's exports really end without one. A number that was cut would pass as a smaller one.
    """
    last = record.cells[-1]
    quoted = '"' + last.replace('"', '""') + '"'
    return record.text.endswith("," + quoted) or _TIME.fullmatch(last) is not None


def _lists_all(kind: Kind, columns: list[str]) -> bool:
    """Tell whether a header alone, without a line break, names all columns of an export."""
    return kind.name in _EXPORTS and any(
        (reader.required.keys() | reader.ignored.keys()) <= set(columns) for reader in kind.readers
    )
