"""Full rebuild: a log in, a projection file out.

The log is read in chunks of positions, so that memory does not grow with the log; what readers make
of a chunk is kept as typed rows, and everything below that is set-based SQL over all of them.
Same log prefix, same code, same rules: same tables, whatever the chunks, threads or machine.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import duckdb

from domain import facts
from domain.errors import ProjectionError
from domain.results import TABLES
from projections import sql
from replay import blank, fingerprint, flow, intake, meta
from replay.database import Resources, transaction
from replay.plan import Plan
from replay.ports import EventLog

SMALL_EVENTS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild made.

    from_segments   how many of the events were not read from the log but from what is kept of it
    warning         why not more of them were, '' where there is nothing to say
    """

    meta: meta.Meta
    events: int
    facts: int
    unreadable: int
    unknown_shapes: int
    additive_shapes: int
    from_segments: int = 0
    warning: str = ""


def rebuild(log: EventLog, target: Path, plan: Plan) -> Rebuilt:
    """Build a projection file at `target`, which must not exist.

    Raise ProjectionError if a check fails or the engine refuses; the file is then removed.
    """
    if target.exists():
        message = f"{target} is in the way: remove it"
        raise ProjectionError(message)
    until = log.head() if plan.as_of.position is None else min(plan.as_of.position, log.head())
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
    read = intake.read_log(connection, log, until, plan)
    flow.merge(connection, read, plan.as_of.happened)
    flow.run_steps(connection, read, plan)
    flow.check(connection)
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
            as_of=str(plan.as_of),
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


def _read_back(connection: duckdb.DuckDBPyConnection, watermark: int) -> None:
    seen = meta.read(connection).watermark
    if seen != watermark:
        message = f"the projection was committed at {watermark} but reads {seen}: run it again"
        raise ProjectionError(message)
