"""`drift` and `unreadable`: what the readers do not understand, and what is unaffected."""

from typing import Any, Final

import duckdb
from rich.table import Table

from domain.errors import UsageError
from domain.event import payload_bytes
from replay import meta, query
from tools import alerts, outcome, render, staleness
from tools.book import Book
from tools.outcome import Outcome, counted
from tools.staleness import Stale, warning

_DRIFT: Final = """
    SELECT kind, coalesce(reader, '') AS reader, status, events, first_position, last_position,
        coalesce(reason, '') AS reason, coalesce(nearest, '') AS nearest,
        coalesce(keys_added, '') AS keys_added, coalesce(keys_missing, '') AS keys_missing, shape
    FROM drift ORDER BY status = 'known', kind, first_position
"""
_CANARIES: Final = """
    SELECT rule, subject, found, expected, detail, position, venue, account, mode
    FROM canary ORDER BY position, rule, subject
"""
_VALUES: Final = """
    SELECT kind, reason, coalesce(column_name, '') AS column_name, count(*) AS events,
        min(position) AS first_position, coalesce(arg_min(offending, position), '') AS offending
    FROM unreadable WHERE reader IS NOT NULL AND position > $after
    GROUP BY kind, reason, column_name ORDER BY first_position
"""
_UNREADABLE: Final = "SELECT * FROM unreadable ORDER BY position"


def drift(book: Book) -> Outcome:
    """Tell which shapes are new or not understood, and what looks wrong in known ones."""
    with book.open_projection() as connection:
        shapes = render.as_rows(query.run(connection, _DRIFT))
        found = canaries(connection)
        values = impossible(connection, 0)
        stale, of_events = _staleness(book, connection)
    drifted = [shape for shape in shapes if shape["status"] != "known"]
    body: list[Any] = [_shapes(shapes)]
    body += map(alerts.of_shape, drifted)
    body += map(alerts.of_values, values)
    body += alerts.of_canaries(found)
    number = len(drifted) + len(values) + len(found)
    verdict = f"{counted(len(shapes), 'shape')}, all known"
    if number:
        verdict = f"{counted(number, 'drift alert')} in {counted(len(shapes), 'shape')}"
    data = {
        "shapes": shapes,
        "canaries": found,
        "impossible_values": values,
        "stale_because": stale.because if stale else None,
    }
    code = outcome.FOUND if number or stale else outcome.GOOD
    return Outcome(verdict + of_events + warning(stale), data, body, code)


def canaries(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return what looks wrong although its shape is known."""
    return render.as_rows(query.run(connection, _CANARIES))


def impossible(connection: duckdb.DuckDBPyConnection, after: int) -> list[dict[str, Any]]:
    """Return, by kind and reason, the events behind a position whose values cannot be true."""
    return render.as_rows(query.run(connection, _VALUES, {"after": after}))


def _staleness(book: Book, connection: duckdb.DuckDBPyConnection) -> tuple[Stale | None, str]:
    """Return why the projection that is being asked is stale, and of what it then tells."""
    current = meta.read(connection)
    with book.open_log() as log:
        stale = staleness.of(book, log, current)
    return stale, f" of the first {counted(current.watermark, 'event')}" if stale else ""


def _shapes(shapes: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("kind", "status", "reader"):
        table.add_column(name)
    table.add_column("events", justify="right")
    table.add_column("positions", justify="right")
    for shape in shapes:
        table.add_row(
            shape["kind"],
            shape["status"],
            shape["reader"],
            f"{shape['events']:,}",
            f"{shape['first_position']}..{shape['last_position']}",
        )
    return table


def unreadable(book: Book, position: int | None) -> Outcome:
    """List the events that no reader could read, or show one with its raw payload."""
    if position is not None:
        return _one(book, position)
    with book.open_projection() as connection:
        rows = query.run(connection, _UNREADABLE)
        stale, of_events = _staleness(book, connection)
    if not rows.num_rows and not stale:
        nothing: dict[str, Any] = {"unreadable": [], "stale_because": None}
        return Outcome("every event was read", nothing)
    verdict = f"{counted(rows.num_rows, 'event')} unreadable{of_events}{warning(stale)}"
    columns = ["position", "kind", "reason", "column_name", "offending"]
    shown = render.as_table(rows.select(columns), closing=False)
    found = {"unreadable": render.as_rows(rows), "stale_because": stale.because if stale else None}
    return Outcome(verdict, found, (shown,), outcome.FOUND)


def _one(book: Book, position: int) -> Outcome:
    with book.open_projection() as connection, book.open_log() as log:
        row = _find(connection, position)
        event = log.event(position)
        stale, of_events = _staleness(book, connection)
    if row is None or event is None:
        message = f"position {position} is not among the unreadable events{of_events}"
        message += warning(stale)
        raise UsageError(message)
    payload = payload_bytes(event.state).decode("utf-8", "backslashreplace")
    body = [f"{name}: {value}" for name, value in row.items() if value is not None]
    verdict = f"event {position} is unreadable: {row['reason']}{warning(stale)}"
    because = stale.because if stale else None
    data = {"unreadable": [row], "payload": payload, "stale_because": because}
    return Outcome(verdict, data, (*body, payload), outcome.FOUND)


def _find(connection: duckdb.DuckDBPyConnection, position: int) -> dict[str, Any] | None:
    table = query.run(
        connection, "SELECT * FROM unreadable WHERE position = $position", {"position": position}
    )
    rows = render.as_rows(table)
    return rows[0] if rows else None
