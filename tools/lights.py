"""A light for each stream: how far it can be trusted.

ok          its newest fetch was complete, all its shapes are known
late        complete, but only up to a time that is too long ago for its broker; what covers no
            time, such as a snapshot, is as old as its newest complete fetch
gap         between two stretches that are complete something may be missing
drift       it carries a shape that is new or not understood
incomplete  its newest fetch did not come to its end

The socket of Interactive Brokers has executions since midnight only, so `ibkr.executions` has a
hole wherever nothing asked in the evening, and only statements can fill it. Such a hole is none
once the statements of the account cover it. One that they have had time enough to cover is not
the socket's matter any more: how far statements reach is told by the light of `ibkr.flex`, and
every hole by `query @stream-gaps`.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
from rich.table import Table
from rich.text import Text

from adapters.ibkr import owning
from adapters.kalshi import streams as kalshi
from domain.ibkr import flex
from domain.ibkr.statements import STATEMENT
from domain.ibkr.trades import TRADE_CONFIRM
from replay import query
from tools import render

# A fetch once a day, and two hours of grace.
LATE: Final = timedelta(hours=26)
# Nobody trades at weekends: on Tuesday morning, statements still end with Friday, which is 79 hours
# before. After a holiday beside a weekend it is later than that, and told.
LATE_AT_IBKR: Final = timedelta(hours=80)
# Statements come the next business day, or so.
_CLOSED_BY_STATEMENTS: Final = timedelta(days=4)

_LISTS: Final = frozenset(("kalshi", stream.name) for stream in kalshi.LISTS)
_KINDS: Final = frozenset(
    {
        *(("kalshi", stream, kind) for stream, kinds in kalshi.KINDS.items() for kind in kinds),
        *(("ibkr", stream, kind) for kind, stream in owning.STREAMS.items()),
        *(("ibkr", "flex", kind.name) for kind in flex.KINDS if kind.name != TRADE_CONFIRM),
        *(("ibkr", "flex_confirmations", kind) for kind in (STATEMENT, TRADE_CONFIRM)),
    }
)
"""What comes on each stream of each broker."""
_STREAMS: Final = """
    WITH hole AS (
        SELECT venue, account, mode, stream, covered_from AS hole_until,
            lag(covered_until) OVER (
                PARTITION BY venue, account, mode, stream ORDER BY covered_from
            ) AS hole_from
        FROM stream_coverage
    ),
    closed AS (
        SELECT h.venue, h.account, h.mode, h.stream, count(*) AS gaps_closed
        FROM hole AS h
        WHERE h.hole_from IS NOT NULL AND h.venue = 'ibkr' AND h.stream = 'executions' AND (
            epoch_us(h.hole_until) < $closed_microseconds
            OR EXISTS (
                SELECT 1 FROM stream_coverage AS s
                WHERE s.venue = h.venue AND s.account = h.account AND s.mode = h.mode
                    AND s.stream = 'flex'
                    AND s.covered_from <= h.hole_from AND s.covered_until >= h.hole_until
            )
        )
        GROUP BY ALL
    )
    SELECT venue, account, mode, stream, state, coalesce(reason, '') AS reason, rows,
        last_fetch_at, last_complete_at, covered_from, covered_until,
        gaps - coalesce(gaps_closed, 0) AS gaps,
        epoch_us(coalesce(covered_until, last_complete_at)) AS until_microseconds
    FROM stream_status LEFT JOIN closed USING (venue, account, mode, stream)
    ORDER BY venue, account, mode, stream
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
    closed_at = now - _CLOSED_BY_STATEMENTS
    moments = {"closed_microseconds": int(closed_at.timestamp()) * 1_000_000}
    streams = render.as_rows(query.run(connection, _STREAMS, moments))
    for stream in streams:
        until = stream.pop("until_microseconds")
        lag = None if until is None else int(now.timestamp()) - until // 1_000_000
        own = (stream["venue"], stream["stream"])
        kinds = [shapes[kind] for *place, kind in _KINDS if tuple(place) == own and kind in shapes]
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
    if (stream["venue"], stream["stream"]) in _LISTS and stream["covered_until"] is None:
        return "unknown"
    lag = stream["lag_seconds"]
    late = LATE_AT_IBKR if stream["venue"] == "ibkr" else LATE
    return "late" if lag is not None and lag > late.total_seconds() else "ok"


def needing_a_look(streams: list[dict[str, Any]]) -> list[str]:
    """Return what is not ok, with the account where a stream occurs for several."""
    several = _of_several_accounts(streams)
    told = []
    for one in streams:
        whose = f" of {one['account']}" if _place(one) in several else ""
        if one["light"] != "ok":
            told.append(f"{one['stream']}{whose} {one['light']}")
    return told


def _of_several_accounts(streams: list[dict[str, Any]]) -> set[tuple[str, str]]:
    times = Counter(map(_place, streams))
    return {place for place, number in times.items() if number > 1}


def _place(stream: dict[str, Any]) -> tuple[str, str]:
    return stream["venue"], stream["stream"]


def as_table(streams: list[dict[str, Any]]) -> Table:
    """Return the lights as a table of at most 100 columns."""
    several = _of_several_accounts(streams)
    table = Table(box=None, header_style="bold")
    table.add_column("stream", no_wrap=True)
    if several:
        table.add_column("account", overflow="fold")
    table.add_column("light")
    table.add_column("complete from")
    table.add_column("until")
    table.add_column("lag", justify="right")
    table.add_column("shapes", justify="right")
    for one in streams:
        drifted = f" ({one['shapes_drifted']} drifted)" if one["shapes_drifted"] else ""
        table.add_row(
            f"{one['venue']}.{one['stream']}",
            *([one["account"] if _place(one) in several else ""] if several else []),
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
