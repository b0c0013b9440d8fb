"""The log in, typed rows out: what the readers make of a run of events.

The log is read in chunks of positions, so that memory does not grow with the log; what readers make
of a chunk is kept as typed rows (`projections.reading`).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa

from domain import kinds
from domain.columns import Fact
from domain.errors import ProjectionError
from projections import reading, sql
from replay.census import Census
from replay.plan import Plan
from replay.ports import EventLog


def read_log(
    connection: duckdb.DuckDBPyConnection, log: EventLog, until: int, plan: Plan
) -> list[type[Fact]]:
    """Make rendition tables of the log; return the facts that have one."""
    census = Census(connection)
    read: dict[type[Fact], None] = {}
    done = 0
    for events in _chunks(log, until, plan.chunk_events):
        plan.progress("reading", done, until)
        connection.register("events", events)
        connection.execute(sql.text("census", "chunk"))
        read |= dict.fromkeys(read_chunk(connection, census, done))
        done += events.num_rows
    if done != until:
        message = f"the log gave {done} of {until} events: run `brokertruth verify`"
        raise ProjectionError(message)
    connection.execute("DROP VIEW IF EXISTS chunk")
    connection.unregister("events")
    plan.progress("reading", until, until)
    return list(read)


def _chunks(log: EventLog, until: int, size: int) -> Iterator[pa.Table]:
    """Yield the log in pieces; the next one is read while the last one is worked on."""

    def fetch(start: int) -> pa.Table:
        return log.batches(start, min(start + size, until)).read_all()

    starts = range(0, until, size)
    with ThreadPoolExecutor(max_workers=1) as reader:
        ahead = reader.submit(fetch, 0) if starts else None
        for start in starts:
            events = ahead.result() if ahead is not None else fetch(start)
            ahead = reader.submit(fetch, start + size) if start + size < until else None
            yield events


def read_chunk(
    connection: duckdb.DuckDBPyConnection, census: Census, after: int
) -> list[type[Fact]]:
    """Read the events of `chunk`, all behind position `after`; return the facts they tell."""
    if census.take():
        connection.execute(sql.text("census", "unreadable_shapes"))
    present = connection.execute("SELECT DISTINCT kind FROM chunk ORDER BY kind").fetchall()
    told = [kinds.BY_NAME[name] for (name,) in present if name in kinds.BY_NAME]
    for kind in told:
        if kind.fact is not None:
            connection.execute(reading.create_rendition_table(kind.fact))
            connection.execute(reading.read(kind))
    # several kinds may tell of one fact: its problems are written once
    read = list(dict.fromkeys(kind.fact for kind in told if kind.fact is not None))
    for fact in read:
        ((problems,),) = connection.execute(reading.count_problems(fact), [after]).fetchall()
        if problems:
            connection.execute(reading.unreadable_rows(fact), [after])
    return read
