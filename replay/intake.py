"""The log in, typed rows out: what the readers make of a run of events.

The log is read in chunks of positions, so that memory does not grow with the log; what readers make
of a chunk is kept as typed rows (`projections.reading`). What is kept of the log in segments is
read from there: a chunk then is a view of files, which the engine scans as it reads.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pyarrow as pa

from domain import kinds
from domain.columns import Fact
from domain.errors import ProjectionError
from domain.kind import Kind
from projections import reading, sql
from replay.census import Census
from replay.plan import Plan
from replay.ports import EventLog, Run


def read_log(
    connection: duckdb.DuckDBPyConnection, log: EventLog, until: int, plan: Plan
) -> list[type[Fact]]:
    """Make renditions of the log; return the facts that have some."""
    census = Census(connection)
    packed = Packed(connection) if until > plan.chunk_events else None
    read: dict[type[Fact], None] = {}
    done = 0
    for end in _pieces(connection, log, until, plan):
        read |= dict.fromkeys(read_chunk(connection, census, done, packed))
        done = end
    if done != until:
        message = f"the log gave {done} of {until} events: run `brokertruth verify`"
        raise ProjectionError(message)
    connection.execute("DROP VIEW IF EXISTS chunk")
    connection.unregister("events")
    plan.progress("reading", until, until)
    return list(read)


def _pieces(
    connection: duckdb.DuckDBPyConnection, log: EventLog, until: int, plan: Plan
) -> Iterator[int]:
    """Show one piece of the log after the other as `chunk`; yield the position where it ends."""
    done = 0
    for run in plan.segments.runs(until) if plan.segments else ():
        plan.progress("reading", done, until)
        connection.execute(_chunk_of(run, until, plan.as_of.received))
        done = min(run.until, until)
        yield done
    for events in _chunks(log, done, until, plan.chunk_events):
        plan.progress("reading", done, until)
        connection.register("events", events)
        if plan.as_of.received is not None:
            known = connection.sql(sql.text("census", "received"), params=[plan.as_of.received])
            connection.register("events", known.to_arrow_table())
        connection.execute(sql.text("census", "chunk"))
        done += events.num_rows
        yield done


def _chunk_of(run: Run, until: int, received: datetime | None) -> str:
    """Return SQL that shows a run as `chunk`, up to a position and what had been received."""
    # whoever asks for one kind scans its file alone
    files = " UNION ALL ".join(
        f"SELECT position, key, {sql.literal(kind)} AS kind, shape, month, state "
        f"FROM read_parquet({sql.literal(str(path))}, hive_partitioning = false)"
        for kind, path in run.files.items()
    )
    conditions = [f"position <= {until}"] if until < run.until else []
    if received is not None:
        moment = sql.literal(received.isoformat())
        conditions.append(f"received_by(state, TIMESTAMPTZ {moment})")
    kept = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"CREATE OR REPLACE TEMP VIEW chunk AS SELECT * FROM ({files}){kept}"


def _chunks(log: EventLog, after: int, until: int, size: int) -> Iterator[pa.Table]:
    """Yield the log in pieces; the next one is read while the last one is worked on."""

    def fetch(start: int) -> pa.Table:
        return log.batches(start, min(start + size, until)).read_all()

    starts = range(after, until, size)
    with ThreadPoolExecutor(max_workers=1) as reader:
        ahead = reader.submit(fetch, after) if starts else None
        for start in starts:
            events = ahead.result() if ahead is not None else fetch(start)
            ahead = reader.submit(fetch, start + size) if start + size < until else None
            yield events


@dataclass(slots=True)
class Packed:
    """The renditions of a whole log: compressed, in memory, see `projections.reading`.

    `stated` holds the columns that the reader of each kind met so far states.
    """

    connection: duckdb.DuckDBPyConnection
    stated: dict[type[Fact], dict[str, frozenset[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the database."""
        self.connection.execute(f"ATTACH ':memory:' AS {reading.PACKED} (COMPRESS)")

    def names(self, kind: Kind, fact: type[Fact]) -> frozenset[str]:
        """Return the columns that the kind's reader states; make its table if it is the first."""
        known = self.stated.setdefault(fact, {})
        if kind.name not in known:
            listed = self.connection.execute(reading.stated(kind)).fetchall()
            known[kind.name] = frozenset(name for name, *_ in listed)
            self.connection.execute(reading.create_packed_table(kind, known[kind.name]))
            self.connection.execute(reading.show_packed(fact, known))
        return known[kind.name]


def read_chunk(
    connection: duckdb.DuckDBPyConnection,
    census: Census,
    after: int,
    packed: Packed | None = None,
) -> list[type[Fact]]:
    """Read the events of `chunk`, all behind position `after`; return the facts they tell."""
    if census.take():
        connection.execute(sql.text("census", "unreadable_shapes"))
    present = connection.execute("SELECT DISTINCT kind FROM chunk ORDER BY kind").fetchall()
    told = [kinds.BY_NAME[name] for (name,) in present if name in kinds.BY_NAME]
    for kind in told:
        if kind.fact is not None and packed is None:
            connection.execute(reading.create_rendition_table(kind.fact))
            connection.execute(reading.read(kind))
        elif kind.fact is not None and packed is not None:
            connection.execute(reading.read(kind, packed.names(kind, kind.fact)))
    # several kinds may tell of one fact: its problems are written once
    read = list(dict.fromkeys(kind.fact for kind in told if kind.fact is not None))
    for fact in read:
        ((problems,),) = connection.execute(reading.count_problems(fact), [after]).fetchall()
        if problems:
            connection.execute(reading.unreadable_rows(fact), [after])
    return read
