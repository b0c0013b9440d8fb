"""A light for each stream: how far it can be trusted.

ok          its newest fetch was complete, all its shapes are known
late        complete, but only up to a time that is more than LATE before now; what covers no time,
            such as a snapshot, is as old as its newest complete fetch
gap         between two stretches that are complete something may be missing
drift       it carries a shape that is new or not understood
incomplete  its newest fetch did not come to its end
"""

from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
from rich.table import Table
from rich.text import Text

from adapters.kalshi.streams import KINDS, LISTS
from replay import query
from tools import render

# A fetch once a day, and two hours of grace.
LATE: Final = timedelta(hours=26)

_LISTS: Final = frozenset(stream.name for stream in LISTS)
_STREAMS: Final = """
    SELECT venue, account, mode, stream, state, coalesce(reason, '') AS reason, rows,
        last_fetch_at, last_complete_at, covered_from, covered_until, gaps,
        epoch_us(coalesce(covered_until, last_complete_at)) AS until_microseconds
    FROM stream_status ORDER BY venue, account, mode, stream
"""
_SHAPES: Final = """
    SELECT kind, count(*) AS shapes, count(*) FILTER (status <> 'known') AS drifted
    FROM drift GROUP BY kind
"""
_STYLES: Final = {
    "ok": "green",
    "unknown": "yellow",
    "late": "yellow",
    "gap": "yellow",
    "drift": "red",
    "incomplete": "red",
}


def of_streams(connection: duckdb.DuckDBPyConnection, now: datetime) -> list[dict[str, Any]]:
    """Return every stream that was ever fetched, with its light, its lag and its shapes."""
    shapes = {row["kind"]: row for row in render.as_rows(query.run(connection, _SHAPES))}
    streams = render.as_rows(query.run(connection, _STREAMS))
    for stream in streams:
        until = stream.pop("until_microseconds")
        lag = None if until is None else int(now.timestamp()) - until // 1_000_000
        kinds = [shapes[kind] for kind in KINDS.get(stream["stream"], ()) if kind in shapes]
        stream["lag_seconds"] = lag
        stream["shapes"] = sum(one["shapes"] for one in kinds)
        stream["shapes_drifted"] = sum(one["drifted"] for one in kinds)
        stream["light"] = _light(stream)
    return streams


def _light(stream: dict[str, Any]) -> str:
    if stream["state"] != "complete":
        return "incomplete"
    if stream["shapes_drifted"]:
        return "drift"
    if stream["gaps"]:
        return "gap"
    if stream["stream"] in _LISTS and stream["covered_until"] is None:
        return "unknown"
    lag = stream["lag_seconds"]
    return "late" if lag is not None and lag > LATE.total_seconds() else "ok"


def as_table(streams: list[dict[str, Any]]) -> Table:
    """Return the lights as a table of at most 100 columns."""
    table = Table(box=None, header_style="bold")
    table.add_column("stream", no_wrap=True)
    table.add_column("light")
    table.add_column("complete from")
    table.add_column("until")
    table.add_column("lag", justify="right")
    table.add_column("shapes", justify="right")
    for one in streams:
        drifted = f" ({one['shapes_drifted']} drifted)" if one["shapes_drifted"] else ""
        table.add_row(
            f"{one['venue']}.{one['stream']}",
            Text(one["light"], style=_STYLES[one["light"]]),
            _minute(one["covered_from"]),
            _minute(one["covered_until"]),
            _lag(one["lag_seconds"]),
            f"{one['shapes'] or ''}{drifted}",
        )
    return table


def _minute(moment: str | None) -> str:
    if moment is None:
        return "·"
    return "the first" if moment.startswith("1970-") else f"{moment[:16].replace('T', ' ')}Z"


def _lag(seconds: int | None) -> str:
    if seconds is None:
        return "·"
    return str(timedelta(seconds=max(seconds, 0)))
