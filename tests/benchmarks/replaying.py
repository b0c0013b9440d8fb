"""Tasks on the mixed log: rebuild, bring up to date, explain, compare, and the floor below it."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from unittest.mock import patch

import duckdb
import pyarrow as pa

from adapters.log.recorder import EVENTS
from adapters.log.sqlite import SQLiteLog
from adapters.segments import kept
from adapters.segments.kept import KeptSegments
from domain.rules import Rules
from replay import diff, fingerprint, incremental, meta
from replay.database import Resources, open_for_reading
from replay.explain import explain
from replay.plan import AsOf, Plan
from replay.rebuild import rebuild
from tests.benchmarks import mixed
from tests.benchmarks.per_event import SUMS_OF_A_PROJECTION, digest
from tests.benchmarks.took import Took

BUILT_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
FLOOR_PAGE: Final = 4_096
RULES: Final = {
    "own": mixed.RULES,
    # the orders of one strategy count for another
    "other": Rules.of_prefixes(
        {f"{name[:3]}-": "ladder" if name == "pairs" else name for name in mixed.STRATEGIES}
    ),
}


def _plan(rules: str, until: int, memory: str = "", threads: int = 0) -> Plan:
    return Plan(
        built_at=BUILT_AT,
        rules=RULES[rules],
        resources=Resources(threads=threads, memory=memory),
        as_of=AsOf(position=until or None),
    )


def segmenting(log: str, folder: str) -> Took:
    """Keep the whole log in segments, which stay."""
    place = Path(folder)
    shutil.rmtree(place, ignore_errors=True)
    with SQLiteLog.open(Path(log)) as source, kept.changing(place):
        start = time.perf_counter()
        making = kept.to_make(place, source)
        made = kept.make(place, source, making, lambda _done, _total: None)
        seconds = time.perf_counter() - start
    size = sum(one.bytes for one in made)
    return Took(seconds, making.events, {"segments": len(made), "mb": size // 10**6})


def rebuilding(
    log: str,
    target: str,
    rules: str = "own",
    until: int = 0,
    memory: str = "",
    threads: int = 0,
    segments: str = "",
) -> Took:
    """Rebuild the whole projection into a file, which is kept; `until` 0 means all of the log.

    `segments` is a folder of what is kept of the log.
    """
    path = Path(target)
    path.unlink(missing_ok=True)
    digesting = 0.0
    of_tables = fingerprint.of_tables

    def timed(*arguments: object) -> object:
        nonlocal digesting
        start = time.perf_counter()
        made = of_tables(*arguments)  # type: ignore[arg-type]
        digesting += time.perf_counter() - start
        return made

    with SQLiteLog.open(Path(log)) as source, patch.object(fingerprint, "of_tables", timed):
        start = time.perf_counter()
        plan = _plan(rules, until, memory, threads)
        if segments:
            plan = replace(plan, segments=KeptSegments(Path(segments), source))
        made = rebuild(source, path, plan)
        seconds = time.perf_counter() - start
    assert not made.unreadable, made
    return Took(
        seconds,
        made.events,
        {
            "fingerprint": made.meta.fingerprint,
            "fingerprints_seconds": digesting,
            "file_mb": path.stat().st_size // 10**6,
        },
    )


def closed_lots(projection: str) -> Took:
    """Sum up the closed lots of a projection, to be compared with those of a baseline."""
    start = time.perf_counter()
    with closing(open_for_reading(Path(projection))) as connection:
        sums = connection.execute(SUMS_OF_A_PROJECTION).fetchall()
        (fills,) = connection.execute("SELECT count(*) FROM fill").fetchone() or (0,)
    lots = sum(count for _, _, count, _, _ in sums)
    told = {"closed_lots": lots, "fills": fills, "digest": digest(sums)}
    return Took(time.perf_counter() - start, lots, told)


def floor(log: str) -> Took:
    """Read every state, parse its JSON once, and sort once by instrument and position.

    What no rebuild that reads JSON from SQLite and matches by instrument can do without.
    """
    start = time.perf_counter()
    with closing(duckdb.connect()) as connection, closing(_opened(log)) as raw:
        schema = pa.schema([("position", pa.int64()), ("state", pa.string())])
        stored = pa.RecordBatchReader.from_batches(schema, _states(raw, schema))
        connection.from_arrow(stored).query("stored", _FLOOR_PARSED)
        connection.execute(_FLOOR_SORTED)
        (events,) = connection.execute("SELECT count(*) FROM sorted").fetchone() or (0,)
    return Took(time.perf_counter() - start, events)


_FLOOR_PARSED: Final = """
    CREATE TABLE parsed AS
    SELECT
        position,
        json_transform(
            state,
            '{"payload": {"ticker": "VARCHAR", "conId": "VARCHAR", "count_fp": "VARCHAR",
              "yes_price_dollars": "VARCHAR", "shares": "VARCHAR", "price": "VARCHAR"}}'
        ).payload AS p
    FROM stored
"""
_FLOOR_SORTED: Final = """
    CREATE TABLE sorted AS
    SELECT coalesce(p.ticker, p.conId) AS instrument, position, p
    FROM parsed ORDER BY instrument, position
"""


def _opened(log: str) -> sqlite3.Connection:
    # DuckDB pulls from a thread of its own
    return sqlite3.connect(log, check_same_thread=False)


def _states(raw: sqlite3.Connection, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    cursor = raw.execute(f"SELECT rowid, state FROM {EVENTS} ORDER BY rowid")
    while rows := cursor.fetchmany(FLOOR_PAGE):
        positions, states = zip(*rows, strict=True)
        columns = [pa.array(positions, pa.int64()), pa.array(states, pa.binary())]
        columns[1] = columns[1].cast(pa.string())
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def advancing(log: str, before: str, target: str) -> Took:
    """Copy a projection, bring it to the events in order, then to the late ones; keep it.

    The seconds are those of the events in order; copy and late events are among the figures.
    """
    path = Path(target)
    path.unlink(missing_ok=True)
    start = time.perf_counter()
    shutil.copyfile(before, path)
    copied = time.perf_counter()
    with SQLiteLog.open(Path(log)) as source:
        head = source.head()
        opened = time.perf_counter()
        incremental.advance(source, path, _plan("own", head - mixed.LATE))
        ordered = time.perf_counter()
        late = incremental.advance(source, path, _plan("own", 0))
        done = time.perf_counter()
    return Took(
        ordered - opened,
        mixed.IN_ORDER,
        {
            "copy_seconds": copied - start,
            "late_seconds": done - ordered,
            "fingerprint": late.meta.fingerprint,
        },
    )


def explaining(log: str, projection: str, each: int) -> Took:
    """Explain so many days, trades, instruments, fills and amounts of cash, drawn at random."""
    seconds: list[tuple[float, str]] = []
    with (
        closing(open_for_reading(Path(projection))) as connection,
        SQLiteLog.open(Path(log)) as source,
    ):
        targets = [target for query in _TARGETS for target in _drawn(connection, query, each)]
        for target in targets:
            start = time.perf_counter()
            explain(connection, source, target)
            seconds.append((time.perf_counter() - start, target))
    worst, name = max(seconds)
    total = sum(one for one, _ in seconds)
    return Took(total, len(seconds), {"worst_seconds": worst, "worst": name})


_TARGETS: Final = (
    "SELECT 'day:' || day || '/' || strategy || '/' || family FROM daily_pnl",
    "SELECT 'day:' || day FROM daily_pnl",
    "SELECT 'trade:' || trade_id FROM trade",
    "SELECT 'instrument:' || instrument_id FROM position",
    "SELECT 'fill:' || fill_id FROM fill",
    "SELECT 'position:' || position FROM cash_ledger",
)


def _drawn(connection: duckdb.DuckDBPyConnection, query: str, count: int) -> list[str]:
    """Return some rows of a query, the same ones every time."""
    drawn = connection.execute(
        f"SELECT DISTINCT target FROM ({query}) AS t (target) ORDER BY sha256(target) LIMIT {count}"
    ).fetchall()
    return [target for (target,) in drawn]


def comparing(before: str, after: str) -> Took:
    """Compare two projections row by row, and their money."""
    start = time.perf_counter()
    diff.compare(Path(before), Path(after), resources=Resources(), limit=20)
    seconds = time.perf_counter() - start
    with closing(open_for_reading(Path(after))) as connection:
        return Took(seconds, meta.read(connection).watermark)


TASKS: Final[dict[str, Callable[..., Took]]] = {
    "rebuild": rebuilding,
    "segments": segmenting,
    "closed-lots": closed_lots,
    "floor": floor,
    "advance": advancing,
    "explain": explaining,
    "diff": comparing,
}
