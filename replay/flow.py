"""From typed rows to tables: merge the renditions, run the steps, check the result."""

from collections.abc import Sequence
from datetime import datetime

import duckdb

from domain import facts
from domain.columns import Fact
from domain.errors import ProjectionError
from projections import STEPS, driven_steps, merging, released_after, sql
from replay import blank
from replay import rules as ruletables
from replay.plan import Plan


def merge(
    connection: duckdb.DuckDBPyConnection,
    read: Sequence[type[Fact]],
    happened: datetime | None = None,
) -> None:
    """Make the facts of the types that were read, and count how often they were told.

    With `happened`, only what had happened by then is made.
    """
    counted = dict.fromkeys(facts.FACTS, (0, 0))
    for fact in read:
        later = 0 if happened is None else _cut(connection, fact, happened)
        connection.execute(merging.contested(fact))
        ((tellings, again),) = connection.execute(merging.count(fact)).fetchall()
        connection.execute(merging.merge(fact, told_again=again > 0))
        statement = merging.restate(fact)
        if statement is not None and again:
            connection.execute(statement)
        if again:
            connection.execute(merging.record_tellings(fact))
        counted[fact] = (tellings + later, tellings - again)
    rows = ", ".join(f"({sql.literal(f.table)}, {n}, {m})" for f, (n, m) in counted.items())
    connection.execute(f"INSERT INTO fact_count VALUES {rows}")
    connection.execute(sql.text("census", "drift"))


def _cut(connection: duckdb.DuckDBPyConnection, fact: type[Fact], happened: datetime) -> int:
    """Cut the renditions of a fact down to a time; return how many tell of what came later."""
    if fact.happens_at is None and not fact.as_cut:
        return 0
    ((later,),) = connection.execute(merging.happened_later(fact), {"cut": happened}).fetchall()
    connection.execute(merging.cut(fact), {"cut": happened})
    connection.execute(merging.show_cut(fact))
    return int(later)


def run_steps(
    connection: duckdb.DuckDBPyConnection, read: Sequence[type[Fact]], plan: Plan
) -> None:
    """Run the steps that may make rows, in order, and publish the facts that no step publishes."""
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


def check(connection: duckdb.DuckDBPyConnection, names: Sequence[str] | None = None) -> None:
    """Raise ProjectionError where one of `projections/checks`, by default all, finds rows."""
    for name in sql.names("checks") if names is None else names:
        found = connection.execute(sql.text("checks", name)).fetchmany(3)
        if found:
            message = f"check {name} failed; the first rows: {found}"
            raise ProjectionError(message)
