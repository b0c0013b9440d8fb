"""`diff`: what one projection says otherwise than another, for a screen, a program, a browser."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from rich.cells import cell_len
from rich.console import RenderableType

from domain.errors import UsageError
from domain.results import TABLES
from domain.units import MONEY
from replay.database import Resources
from replay.diff import Difference, compare
from replay.diff.lines import Line, Sum
from replay.diff.rows import Example, TableDifference
from replay.explain.nodes import decimal_text
from tools import differing, outcome, output, render
from tools.book import Book
from tools.moving import TOTAL, lots_moved
from tools.outcome import Outcome, counted

_MONEY: Final = pa.decimal128(MONEY.width, MONEY.scale)
_SHOWN_POSITIONS: Final = 5
_LEAST_POSITIONS: Final = 3
_SHOWN_LINES: Final = 20


def diff(
    book: Book,
    before: str,
    after: str,
    *,
    table: str | None,
    limit: int,
    html: Path | None,
    resources: Resources,
) -> Outcome:
    """Compare two projections of a book's log; exit 1 if anything differs."""
    if table is not None and table not in {model.table for model in TABLES}:
        message = f"--table {table!r}: no such table; `brokertruth query 'SHOW TABLES'` lists them"
        raise UsageError(message)
    with book.open_log() as log:
        found = compare(
            book.named(before), book.named(after), resources=resources, limit=limit, log=log
        )
    verdict = f"{before} → {after}: {told(found)}"
    data = differing.as_data(found, table)
    if html is not None:
        # charts take a second to load
        from tools import diff_page  # noqa: PLC0415

        output.write_page(book, html, diff_page.as_page(found, (before, after), verdict))
        verdict, data = f"{verdict}, written to {html}", {**data, "html": str(html)}
    return Outcome(
        verdict,
        data,
        tuple(body(found, table)),
        outcome.FOUND if found.anything else outcome.GOOD,
    )


def told(found: Difference) -> str:
    """Return what differs in a few words."""
    if not found.anything:
        return "nothing differs"
    words = " and ".join(_rows_and_layout(found.tables))
    if not found.money_moved:
        return f"{words}; no money moved"
    moved = [
        f"{decimal_text(line.moved.net)} {line.currency} of {line.account}"
        for line in found.money.totals
        if line.moved.net
    ]
    counts = dict(found.money.moved)
    names = len({line.names for line in found.money.strategies if line.moved})
    lots = lots_moved(counts.get("lots_reassigned", 0), counts.get("lots", 0))
    whose = f"{lots}, sums of {counted(names, 'strategy', 'strategies')}"
    return f"{words}; moved: {whose}; net in total: {', '.join(moved) or 'none'}"


def _rows_and_layout(tables: Sequence[TableDifference]) -> Iterator[str]:
    with_rows = [one for one in tables if one.rows_differ]
    if with_rows:
        rows = sum(one.added + one.removed + one.changed for one in with_rows)
        yield f"{counted(rows, 'row')} of {counted(len(with_rows), 'table')} differ"
    noted = sum(1 for one in tables if one.notes)
    if noted:
        yield f"the layout of {counted(noted, 'table')} differs"


def body(found: Difference, table: str | None = None) -> Iterator[RenderableType]:
    """Yield the tables for a screen; those of one table only where it is named."""
    if table is None:
        yield from _money(found)
        if found.tables:
            yield "\nrows\n" + render.as_table(_overview(found.tables), closing=False)
    chosen = [one for one in found.tables if table in (None, one.table)]
    for one in chosen:
        for note in one.notes:
            yield f"{one.table}: {note}"
        examples = one.examples if table else ()
        if table and one.columns:
            yield "columns: " + ", ".join(f"{name} {count:,}" for name, count in one.columns)
        for example in examples:
            yield "\n".join(_example(example))
    if table and not chosen:
        yield f"{table}: nothing differs"


def _money(found: Difference) -> Iterator[RenderableType]:
    money = found.money
    yield from money.notes
    strategies = list(money.strategies)
    if len(strategies) > 1:
        strategies += money.totals
    if strategies:
        yield "realized P&L by strategy\n" + _lines(strategies)
    for title, lines in (
        ("families", money.families[:_SHOWN_LINES]),
        ("days", _moved_most(money.days)),
        ("trades", money.trades[:_SHOWN_LINES]),
    ):
        count = dict(money.moved).get(title, 0)
        if lines and count:
            most = f"{title} that moved" if len(lines) == count else f"{title} that moved most"
            yield f"\n{most} ({len(lines)} of {count:,})\n" + _lines(lines)
    for title, sums in (("cash by cause", money.cash), ("cost of open lots", money.open_cost)):
        moved = [one for one in sums if one.moved]
        if moved:
            yield f"\n{title}\n" + _sums(moved)
    if found.events:
        count = len(found.events)
        most = f"the newest {_SHOWN_LINES} of {count:,}" if count > _SHOWN_LINES else "the"
        yield f"\n{most} events behind it\n" + render.as_table(_events(found), closing=False)


def _moved_most(lines: Iterable[Line]) -> list[Line]:
    moved = [line for line in lines if line.moved]
    moved.sort(key=lambda line: (-abs(line.moved.net), line.names))
    return moved[:_SHOWN_LINES]


def _lines(lines: Sequence[Line]) -> str:
    columns = pa.schema(
        [
            ("account", pa.string()),
            ("what", pa.string()),
            ("ccy", pa.string()),
            ("net_before", _MONEY),
            ("net_after", _MONEY),
            ("net_moved", _MONEY),
            ("positions", pa.string()),
        ]
    )
    rows = [
        {
            "account": line.account,
            "what": " ".join(value for _, value in line.names) if line.names else TOTAL,
            "ccy": line.currency,
            "net_before": line.before.net,
            "net_after": line.after.net,
            "net_moved": line.moved.net,
        }
        for line in lines
    ]
    return _with_positions(rows, columns, lines)


def _sums(sums: Sequence[Sum]) -> str:
    columns = pa.schema(
        [
            ("account", pa.string()),
            ("what", pa.string()),
            ("ccy", pa.string()),
            ("before", _MONEY),
            ("after", _MONEY),
            ("moved", _MONEY),
            ("positions", pa.string()),
        ]
    )
    rows = [
        {
            "account": one.account,
            "what": one.name,
            "ccy": one.currency,
            "before": one.before,
            "after": one.after,
            "moved": one.moved,
        }
        for one in sums
    ]
    return _with_positions(rows, columns, sums)


def _with_positions(
    rows: Sequence[dict[str, Any]], columns: pa.Schema, told: Sequence[Line | Sum]
) -> str:
    """Return a table with a last column of log positions: as many as the screen is wide for."""
    for most in range(_SHOWN_POSITIONS, _LEAST_POSITIONS - 1, -1):
        shown = [positions(one.positions, one.positions_more, most) for one in told]
        table = pa.Table.from_pylist(
            [{**row, "positions": text} for row, text in zip(rows, shown, strict=True)], columns
        )
        whole = render.as_table(table, sys.maxsize, closing=False)
        if max(map(cell_len, whole.splitlines())) <= render.WIDTH:
            return whole
    return render.as_table(table, closing=False)


def _overview(tables: Sequence[TableDifference]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "table": one.table,
                "before": one.rows_before,
                "after": one.rows_after,
                "added": one.added,
                "removed": one.removed,
                "changed": one.changed,
                "columns": ", ".join(name for name, _ in one.columns),
            }
            for one in tables
        ]
    )


def _events(found: Difference) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "position": one.position,
                "kind": one.kind,
                "received": one.received_at,
                "key": one.key,
            }
            for one in found.events[-_SHOWN_LINES:]
        ]
    )


def _example(example: Example) -> Iterator[str]:
    key = ", ".join(f"{name} {value}" for name, value in example.key)
    at = f" (at {positions(example.positions, 0, _SHOWN_POSITIONS)})" if example.positions else ""
    yield f"{example.change}: {key}{at}"
    for cell in example.cells:
        values = [value for value in (cell.old, cell.new) if value is not None]
        if example.change == "changed":
            values = [render.NULL if value is None else value for value in (cell.old, cell.new)]
        yield f"    {cell.column}  {' → '.join(values)}"


def positions(told_positions: Sequence[int], further: int, most: int) -> str:
    """Return the first log positions, and how many more there are, with `further` untold ones."""
    shown = ", ".join(str(position) for position in told_positions[:most])
    more = len(told_positions) - most + further
    return f"{shown} … {more:,} more" if more > 0 else shown
