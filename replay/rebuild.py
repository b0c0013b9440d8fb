"""Full rebuild: a log in, a projection file out.

The log is read in chunks of positions, so that memory does not grow with the log; what readers make
of a chunk is kept as typed rows, and everything below that is set-based SQL over all of them.
Same log prefix, same code, same rules: same tables, whatever the chunks, threads or machine.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from domain import facts, kinds
from domain.columns import Fact
from domain.errors import ProjectionError
from domain.results import TABLES
from domain.rules import Rules
from projections import STEPS, driven_steps, merging, reading, released_after, sql
from replay import blank, fingerprint, meta
from replay import rules as ruletables
from replay.census import Census
from replay.database import Resources, transaction
from replay.ports import EventLog

CHUNK_EVENTS: Final = 120_000
SMALL_EVENTS: Final = 5_000

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a rebuild is to be done."""

    built_at: datetime
    rules: Rules = field(default_factory=Rules)
    resources: Resources = field(default_factory=Resources)
    until: int | None = None
    chunk_events: int = CHUNK_EVENTS
    progress: Progress = silent


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild made."""

    meta: meta.Meta
    events: int
    facts: int
    unreadable: int
    unknown_shapes: int
    additive_shapes: int


def rebuild(log: EventLog, target: Path, plan: Plan) -> Rebuilt:
    """Build a projection file at `target`, which must not exist.

    Raise ProjectionError if a check fails or the engine refuses; the file is then removed.
    """
    if target.exists():
        message = f"{target} is in the way: remove it"
        raise ProjectionError(message)
    until = log.head() if plan.until is None else min(plan.until, log.head())
    connection = blank.open_copy(target, _resources(plan, until))
    try:
        made = _build(connection, log, until, plan)
        _read_back(connection, made.meta.watermark)
        connection.execute("CHECKPOINT")
    except BaseException as error:
        connection.close()
        _remove(target)
        if isinstance(error, duckdb.Error):
            message = f"the rebuild failed and changed nothing: {error}"
            raise ProjectionError(message) from error
        raise
    connection.close()
    return made


def _remove(target: Path) -> None:
    for path in (target, target.with_name(f"{target.name}.wal")):
        path.unlink(missing_ok=True)


def _resources(plan: Plan, until: int) -> Resources:
    """Return what the plan allows; on a small book, several threads cost more than they save."""
    if until <= SMALL_EVENTS and not plan.resources.threads:
        return replace(plan.resources, threads=1)
    return plan.resources


def _build(connection: duckdb.DuckDBPyConnection, log: EventLog, until: int, plan: Plan) -> Rebuilt:
    for name in sql.names("macros"):
        connection.execute(sql.text("macros", name))
    read = _read_log(connection, log, until, plan)
    _merge(connection, read)
    _run_steps(connection, read, plan)
    _check(connection)
    parts = fingerprint.of_tables(connection, TABLES)
    seal = log.seal_of(until) if until else None
    with transaction(connection):
        stamped = meta.write(
            connection,
            parts,
            watermark=until,
            seal_digest=seal.digest.hex() if seal else None,
            rules_version=plan.rules.version,
            rules_digest=plan.rules.digest,
            built_at=plan.built_at,
        )
    rows = {part.table: part.rows for part in parts}
    shapes = dict(connection.execute("SELECT status, count(*) FROM drift GROUP BY ALL").fetchall())
    return Rebuilt(
        stamped,
        events=until,
        facts=sum(rows[fact.table] for fact in facts.FACTS),
        unreadable=rows["unreadable"],
        unknown_shapes=shapes.get("unknown", 0),
        additive_shapes=shapes.get("additive", 0),
    )


def _read_log(
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
        read |= dict.fromkeys(_read_chunk(connection, census, done))
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


def _read_chunk(
    connection: duckdb.DuckDBPyConnection, census: Census, after: int
) -> list[type[Fact]]:
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


def _merge(connection: duckdb.DuckDBPyConnection, read: Sequence[type[Fact]]) -> None:
    counted = dict.fromkeys(facts.FACTS, (0, 0))
    for fact in read:
        connection.execute(merging.contested(fact))
        ((tellings, again),) = connection.execute(merging.count(fact)).fetchall()
        connection.execute(merging.merge(fact, told_again=again > 0))
        statement = merging.restate(fact)
        if statement is not None and again:
            connection.execute(statement)
        counted[fact] = (tellings, tellings - again)
    rows = ", ".join(f"({sql.literal(f.table)}, {n}, {m})" for f, (n, m) in counted.items())
    connection.execute(f"INSERT INTO fact_count VALUES {rows}")
    connection.execute(sql.text("census", "drift"))


def _run_steps(
    connection: duckdb.DuckDBPyConnection, read: Sequence[type[Fact]], plan: Plan
) -> None:
    ruletables.write(connection, plan.rules)
    for fact in read:
        if fact.table not in {output for step in STEPS for output in step.outputs}:
            connection.execute(
                f"INSERT INTO {fact.table} BY NAME SELECT * FROM {merging.merged_table(fact)}"
            )
    told = {merging.merged_table(fact) for fact in read}
    steps = driven_steps(told, _venues(connection, read))
    made = told.union(*(step.outputs for step in steps))
    asked = {name for step in steps for name in step.inputs}
    absent = sorted((asked - made) & blank.made().absent.keys())
    for name in absent:
        connection.execute(blank.made().absent[name])
    for number, step in enumerate(steps):
        plan.progress(f"computing {step.name}", number, len(steps))
        connection.execute(sql.text("steps", step.name))
        for name in released_after(step, steps):
            if name not in absent:
                connection.execute(merging.drop(name))
    plan.progress("computing", len(steps), len(steps))


def _venues(connection: duckdb.DuckDBPyConnection, read: Sequence[type[Fact]]) -> set[str]:
    found = connection.execute(merging.venues(read)).fetchall() if read else []
    return {venue for (venue,) in found}


def _check(connection: duckdb.DuckDBPyConnection) -> None:
    for name in sql.names("checks"):
        found = connection.execute(sql.text("checks", name)).fetchmany(3)
        if found:
            message = f"check {name} failed; the first rows: {found}"
            raise ProjectionError(message)


def _read_back(connection: duckdb.DuckDBPyConnection, watermark: int) -> None:
    seen = meta.read(connection).watermark
    if seen != watermark:
        message = f"the projection was committed at {watermark} but reads {seen}: run it again"
        raise ProjectionError(message)
