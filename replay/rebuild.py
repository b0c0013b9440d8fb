"""Full rebuild: a log in, a projection file out.

The log is read in chunks of positions, so that memory does not grow with the log; what readers make
of a chunk is kept as typed rows, and everything below that is set-based SQL over all of them.
Same log prefix, same code, same rules: same tables, whatever the chunks, threads or machine.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from domain import facts, kinds
from domain.columns import Fact
from domain.errors import ProjectionError
from domain.results import TABLES
from projections import STEPS, merging, reading, released_after, schema, sql
from replay import fingerprint, meta
from replay.census import Census
from replay.database import Resources, open_for_writing, transaction
from replay.ports import EventLog

CHUNK_EVENTS: Final = 120_000

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user decides about results: prefixes of client_order_id and their strategies."""

    strategies: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The digest that the projection file carries."""
        return hashlib.sha256(json.dumps(sorted(self.strategies.items())).encode()).hexdigest()


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
    connection = open_for_writing(target, plan.resources)
    try:
        made = _build(connection, log, plan)
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


def _build(connection: duckdb.DuckDBPyConnection, log: EventLog, plan: Plan) -> Rebuilt:
    for name in sql.names("macros"):
        connection.execute(sql.text("macros", name))
    with transaction(connection):
        for model in TABLES:
            connection.execute(schema.create_table(model))
            connection.execute(schema.comments(model))
    until = log.head() if plan.until is None else min(plan.until, log.head())
    _read_log(connection, log, until, plan)
    _merge(connection)
    _run_steps(connection, plan)
    _check(connection)
    parts = [fingerprint.of_table(connection, model) for model in TABLES]
    seal = log.seal_of(until) if until else None
    with transaction(connection):
        stamped = meta.write(
            connection,
            parts,
            watermark=until,
            seal_digest=seal.digest.hex() if seal else None,
            rules_digest=plan.rules.digest,
            built_at=plan.built_at,
        )
    return _summary(connection, stamped, until)


def _read_log(connection: duckdb.DuckDBPyConnection, log: EventLog, until: int, plan: Plan) -> None:
    for fact in facts.FACTS:
        connection.execute(reading.create_rendition_table(fact))
    census = Census(connection)
    done = 0
    for events in _chunks(log, until, plan.chunk_events):
        plan.progress("reading", done, until)
        connection.register("events", events)
        connection.execute(sql.text("census", "chunk"))
        _read_chunk(connection, census, done)
        done += events.num_rows
    if done != until:
        message = f"the log gave {done} of {until} events: run `brokertruth verify`"
        raise ProjectionError(message)
    connection.execute("DROP VIEW IF EXISTS chunk")
    connection.unregister("events")
    plan.progress("reading", until, until)


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


def _read_chunk(connection: duckdb.DuckDBPyConnection, census: Census, after: int) -> None:
    if census.take():
        connection.execute(sql.text("census", "unreadable_shapes"))
    present = connection.execute("SELECT DISTINCT kind FROM chunk ORDER BY kind").fetchall()
    told = [kinds.BY_NAME[name] for (name,) in present if name in kinds.BY_NAME]
    for kind in told:
        if kind.fact is not None:
            connection.execute(reading.read(kind))
    # several kinds may tell of one fact: its problems are written once
    for fact in dict.fromkeys(kind.fact for kind in told if kind.fact is not None):
        ((problems,),) = connection.execute(reading.count_problems(fact), [after]).fetchall()
        if problems:
            connection.execute(reading.unreadable_rows(fact), [after])


def _merge(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(sql.text("census", "fact_count"))
    for fact in facts.FACTS:
        connection.execute(merging.contested(fact))
        connection.execute(merging.merge(fact))
        connection.execute(merging.count(fact))
        statement = merging.restate(fact)
        # planning it takes longer than anything else on a small book
        if statement is not None and _told_again(connection, fact):
            connection.execute(statement)
    connection.execute(sql.text("census", "drift"))


def _told_again(connection: duckdb.DuckDBPyConnection, fact: type[Fact]) -> bool:
    query = f"SELECT EXISTS (SELECT 1 FROM {merging.contested_table(fact)})"
    ((several,),) = connection.execute(query).fetchall()
    return bool(several)


def _run_steps(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    connection.execute("CREATE TEMP TABLE strategy_prefix (prefix VARCHAR, strategy VARCHAR)")
    for prefix, strategy in sorted(plan.rules.strategies.items()):
        connection.execute("INSERT INTO strategy_prefix VALUES (?, ?)", [prefix, strategy])
    for fact in facts.FACTS:
        if fact.table not in {output for step in STEPS for output in step.outputs}:
            connection.execute(
                f"INSERT INTO {fact.table} BY NAME SELECT * FROM {merging.merged_table(fact)}"
            )
    for number, step in enumerate(STEPS):
        plan.progress(f"computing {step.name}", number, len(STEPS))
        connection.execute(sql.text("steps", step.name))
        for name in released_after(step):
            connection.execute(merging.drop(name))
    plan.progress("computing", len(STEPS), len(STEPS))


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


def _summary(connection: duckdb.DuckDBPyConnection, stamped: meta.Meta, until: int) -> Rebuilt:
    told = " + ".join(f"(SELECT count(*) FROM {fact.table})" for fact in facts.FACTS)
    row = connection.execute(
        f"SELECT {told}, (SELECT count(*) FROM unreadable), "
        "(SELECT count(*) FROM drift WHERE status = 'unknown'), "
        "(SELECT count(*) FROM drift WHERE status = 'additive')"
    ).fetchone()
    if row is None:
        message = "the projection has no tables"
        raise ProjectionError(message)
    return Rebuilt(stamped, until, *row)
