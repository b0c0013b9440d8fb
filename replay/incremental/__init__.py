"""New events applied to a projection that is there: the same tables as a full rebuild makes.

    new events ──> fresh facts ──> instruments concerned ──> their rows, made anew by the steps
                                                         └─> what looks at the whole book, likewise

All of it is one transaction, the watermark included: it is applied as a whole, or not at all. What
is not known to come out as in a full rebuild is refused.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from domain.errors import ProjectionError, RebuildNeededError
from projections import sql
from replay import meta
from replay import rules as ruletables
from replay.database import open_for_writing, transaction
from replay.incremental import additions
from replay.incremental.additions import Intake, shadow
from replay.incremental.applying import Applying
from replay.incremental.tables import Tables
from replay.plan import Plan
from replay.ports import EventLog


@dataclass(frozen=True, slots=True)
class Advanced:
    """What was applied.

    events       new events
    facts        facts that are new or were told anew
    holdings     instruments whose rows were made anew
    unreadable, unknown_shapes, additive_shapes   of the whole file
    """

    meta: meta.Meta
    events: int
    facts: int
    holdings: int
    unreadable: int
    unknown_shapes: int
    additive_shapes: int


def advance(log: EventLog, path: Path, plan: Plan) -> Advanced:
    """Apply the events behind the watermark of the projection at `path`, up to the plan's position.

    Raise RebuildNeededError where that may come out otherwise than a full rebuild, and
    ProjectionError if a check fails or the engine refuses; the file is then as it was.
    """
    if not path.exists():
        message = f"{path} is missing: run `brokertruth rebuild`"
        raise ProjectionError(message)
    connection = open_for_writing(path, plan.resources)
    try:
        before = meta.read(connection)
        until = _until(log, plan)
        _refuse(before, log, plan, until)
        if until == before.watermark:
            return _advanced(connection, before, Change())
        try:
            return _apply(connection, log, plan, before, until)
        except duckdb.Error as error:
            message = f"new events could not be applied, and nothing changed: {error}"
            raise ProjectionError(message) from error
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Change:
    """How much was changed."""

    events: int = 0
    facts: int = 0
    holdings: int = 0


def _until(log: EventLog, plan: Plan) -> int:
    head = log.head()
    return head if plan.as_of.position is None else min(plan.as_of.position, head)


def _refuse(before: meta.Meta, log: EventLog, plan: Plan, until: int) -> None:
    """Raise RebuildNeededError where the file is not the beginning of what is asked for."""
    cut = plan.as_of.received is not None or plan.as_of.happened is not None
    seal = log.seal_of(before.watermark) if before.watermark else None
    reasons = {
        "another version of the program made it": before.code_digest != meta.code_digest(),
        "it was made with other rules": before.rules_digest != plan.rules.digest,
        "it was made with other libraries": before.libraries != meta.libraries(),
        f"it is as of {before.as_of}": not before.as_of.startswith("position ")
        and before.as_of != "",
        "a book as of a time is built from the beginning": cut,
        "it is ahead of what is asked for": until < before.watermark,
        "it was made from another log": before.watermark > 0
        and (seal is None or seal.digest.hex() != before.seal_digest),
    }
    for reason, holds in reasons.items():
        if holds:
            message = f"new events cannot be applied to this projection: {reason}"
            raise RebuildNeededError(message)


def _apply(
    connection: duckdb.DuckDBPyConnection, log: EventLog, plan: Plan, before: meta.Meta, until: int
) -> Advanced:
    for name in sql.names("macros"):
        connection.execute(sql.text("macros", name))
    with transaction(connection):
        book = _book(connection)
        tables = Tables(connection, book, meta.read_parts(connection))
        ruletables.write(connection, plan.rules)
        tables.show()
        shadow(connection, additions.SHADOWED, book)
        taken = Intake(connection, log, book)
        added = taken.take(before.watermark, until, plan.chunk_events)
        holdings = Applying(connection, tables, taken, added).run()
        seal = log.seal_of(until)
        stamped = meta.write(
            connection,
            tables.fingerprints(),
            watermark=until,
            seal_digest=seal.digest.hex() if seal else None,
            rules_version=plan.rules.version,
            rules_digest=plan.rules.digest,
            built_at=plan.built_at,
            as_of=str(plan.as_of),
        )
    if meta.read(connection).watermark != until:
        message = f"the events up to {until} were committed but are not there: run it again"
        raise ProjectionError(message)
    made = Change(until - before.watermark, sum(added.fresh.values()), holdings)
    return _advanced(connection, stamped, made)


def _book(connection: duckdb.DuckDBPyConnection) -> str:
    ((name,),) = connection.execute("SELECT current_database()").fetchall()
    return f"{sql.identifier(name)}.main."


def _advanced(connection: duckdb.DuckDBPyConnection, now: meta.Meta, change: Change) -> Advanced:
    shapes = dict(connection.execute("SELECT status, count(*) FROM drift GROUP BY ALL").fetchall())
    ((unreadable,),) = connection.execute("SELECT count(*) FROM unreadable").fetchall()
    return Advanced(
        now,
        events=change.events,
        facts=change.facts,
        holdings=change.holdings,
        unreadable=unreadable,
        unknown_shapes=shapes.get("unknown", 0),
        additive_shapes=shapes.get("additive", 0),
    )
