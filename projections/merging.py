"""From renditions to facts: one row for each identity, however often it was told.

A fact that was told once passes through. Where it was told several times, the newest rendition
wins column by column; an *inherited* column on which the newest is silent keeps what an earlier
rendition said (a rendering that dropped `client_order_id` does not erase it). Newest is by the
broker's own time where the fact has one (`newest_by`), then by generation of the API (an old dump
that is found later does not beat a finer rendering, and a provisional kind, whose generations are
negative, beats none), then by log position.
"""

from collections.abc import Iterable

from domain import kinds
from domain.columns import Column, Fact, columns_of
from domain.facts import FACTS
from projections import sql
from projections.reading import packed_table, rendition_table, told_table


def merged_table(fact: type[Fact]) -> str:
    """Return the name of the temporary view that gives the facts of a type."""
    return f"merged_{fact.table}"


def drop(name: str) -> str:
    """Return SQL that gives up a working table, or merged facts with all that they come from."""
    if not name.startswith("merged_"):
        return f"DROP TABLE {name}"
    (fact,) = (one for one in FACTS if merged_table(one) == name)
    sources = [told_table(fact), f"cut_{fact.table}"]
    sources += [packed_table(kind.name) for kind in kinds.BY_NAME.values() if kind.fact is fact]
    tables = "; ".join(f"DROP TABLE IF EXISTS {source}" for source in sources)
    views = f"DROP VIEW {name}; DROP VIEW {rendition_table(fact)}"
    return f"{views}; DROP TABLE {contested_table(fact)}; {tables}"


def happened_later(fact: type[Fact]) -> str:
    """Return SQL that counts the renditions of what had not happened at `$cut`."""
    return f"SELECT count(*) FROM {rendition_table(fact)} WHERE problem IS NULL AND {_late(fact)}"


def cut(fact: type[Fact]) -> str:
    """Return SQL that makes a table of the renditions that count at `$cut`, as they were then."""
    values = ", ".join(f"{value} AS {sql.identifier(name)}" for name, value in fact.as_cut.items())
    return f"""
        CREATE TEMP TABLE cut_{fact.table} AS
        SELECT * {f"REPLACE ({values})" if values else ""} FROM {rendition_table(fact)}
        WHERE problem IS NULL AND NOT {_late(fact)}
    """


def show_cut(fact: type[Fact]) -> str:
    """Return SQL that puts the table of `cut` in the place of all renditions."""
    return f"CREATE OR REPLACE TEMP VIEW {rendition_table(fact)} AS FROM cut_{fact.table}"


def _late(fact: type[Fact]) -> str:
    """Return a condition for renditions of what had not happened at `$cut`.

    Of a fact that lives through states, each state counts by itself; otherwise the newest telling
    says when it happened.
    """
    if fact.happens_at is None:
        return "false"
    if fact.newest_by is not None:
        return f"coalesce(({fact.happens_at}) > $cut, false)"
    identity = _names(column for column in columns_of(fact) if column.identity)
    return f"""
        ({identity}) IN (
            SELECT ({identity}) FROM {rendition_table(fact)} WHERE problem IS NULL
            GROUP BY {identity}
            HAVING arg_max_null(({fact.happens_at}), (generation, position)) > $cut
        )
    """


def contested_table(fact: type[Fact]) -> str:
    """Return the name of the temporary table of renditions of what was told several times."""
    return f"contested_{fact.table}"


def contested(fact: type[Fact]) -> str:
    """Return SQL that makes the table of renditions of identities that were told several times.

    `telling` numbers them, oldest first. Millions of hashes are counted in half the memory that
    their texts would take; what shares a hash with another is then looked at in full.
    """
    identity = _names(column for column in columns_of(fact) if column.identity)
    order = ", ".join(
        [*([f"{fact.newest_by} NULLS FIRST"] if fact.newest_by else []), "generation", "position"]
    )
    return f"""
        CREATE TEMP TABLE {contested_table(fact)} AS
        WITH several AS (
            SELECT hash({identity}) AS hashed FROM {rendition_table(fact)} WHERE problem IS NULL
            GROUP BY hashed HAVING count(*) > 1
        ),
        candidate AS (
            SELECT r.*
            FROM {rendition_table(fact)} AS r
            SEMI JOIN several ON several.hashed = hash({identity})
            WHERE r.problem IS NULL
        )
        SELECT *, row_number() OVER (PARTITION BY {identity} ORDER BY {order}) AS telling
        FROM candidate
        QUALIFY count(*) OVER (PARTITION BY {identity}) > 1
    """


def merge(fact: type[Fact], *, told_again: bool) -> str:
    """Return SQL that makes the view of merged facts.

    Where nothing was told several times, the facts are what was told. An event tells one rendition
    of a fact at most, so its position says which one is meant.
    """
    columns = columns_of(fact)
    once = f"CREATE TEMP VIEW {merged_table(fact)} AS SELECT {_names(columns)}"
    if not told_again:
        return f"{once} FROM {rendition_table(fact)} WHERE problem IS NULL"
    identity = _names(column for column in columns if column.identity)
    picked = ", ".join(_pick(column) for column in columns)
    return f"""
        {once}
        FROM {rendition_table(fact)}
        ANTI JOIN {contested_table(fact)} USING (position)
        WHERE problem IS NULL
        UNION ALL
        SELECT {picked}
        FROM {contested_table(fact)}
        GROUP BY {identity}
    """


def _pick(column: Column) -> str:
    name = sql.identifier(column.name)
    if column.identity:
        return name
    # arg_max skips rows whose value is NULL, arg_max_null does not: that is inheritance
    function = "arg_max" if column.inherited else "arg_max_null"
    return f"{function}({name}, telling) AS {name}"


def count(fact: type[Fact]) -> str:
    """Return SQL that gives how often facts were told, and how many of that were not the first."""
    return f"""
        SELECT
            (SELECT count(*) FROM {rendition_table(fact)} WHERE problem IS NULL),
            (SELECT count(*) FROM {contested_table(fact)} WHERE telling > 1)
    """


def record_tellings(fact: type[Fact]) -> str:
    """Return SQL that writes where all renderings of what was told several times stand."""
    identity = _names(column for column in columns_of(fact) if column.identity)
    return f"""
        INSERT INTO retelling BY NAME
        SELECT
            {sql.literal(fact.table)} AS fact,
            arg_max(position, telling) AS position,
            list(position ORDER BY position) AS positions
        FROM {contested_table(fact)}
        GROUP BY {identity}
    """


def venues(read: Iterable[type[Fact]]) -> str:
    """Return SQL that gives the venues of what was read."""
    return " UNION ".join(f"SELECT venue FROM {rendition_table(fact)}" for fact in read)


def restate(fact: type[Fact]) -> str | None:
    """Return SQL that writes `restatement` rows for the facts that were told several times.

    A row for each rendition that changed what was known. Of facts that live through states only a
    change of what they had done to cash counts (a deposit that was applied and then returned);
    None for those that do nothing to cash. A time that a provisional rendering told is completed,
    not changed, by the final one.
    """
    if fact.newest_by is not None and fact.cash_effect is None:
        return None
    return f"INSERT INTO restatement BY NAME WITH {_tellings(fact)}, {_changes(fact)}"


def _tellings(fact: type[Fact]) -> str:
    """Return SQL for what was known after each telling, beside what was known before it."""
    columns = columns_of(fact)
    identity = [column for column in columns if column.identity]
    known = ", ".join(_known(column) for column in columns if not column.identity)
    same = " AND ".join(f"n.{column.name} = o.{column.name}" for column in identity)
    return f"""
        known AS (
            SELECT {_names(identity)}, telling, generation, {known}
            FROM {contested_table(fact)}
            WINDOW earlier AS (
                PARTITION BY {_names(identity)} ORDER BY telling
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        ),
        effects AS (
            SELECT *, ({fact.cash_effect or "NULL"})::DECIMAL(38,20) AS effect FROM known
        ),
        pairs AS (
            SELECT n AS new, o AS old
            FROM effects AS n INNER JOIN effects AS o ON {same} AND n.telling = o.telling + 1
        )
    """


def _changes(fact: type[Fact]) -> str:
    """Return SQL for the rows of `restatement`, from `pairs`."""
    watched = [
        column
        for column in columns_of(fact)
        if not (column.identity or column.provenance or column.name == fact.newest_by)
    ]
    changed = ", ".join(f"CASE WHEN {_changed(c)} THEN {sql.literal(c.name)} END" for c in watched)
    otherwise = " OR ".join(_said_otherwise(c) for c in watched)
    identity = ", ".join(f"new.{c.name}" for c in columns_of(fact) if c.identity)
    counts = "len(names) > 0"
    if fact.newest_by is not None:
        counts += " AND old.effect <> 0 AND new.effect <> old.effect"
    return f"""
        changes AS (
            SELECT
                *,
                list_filter([{changed}], lambda name: name IS NOT NULL) AS names,
                CASE WHEN {otherwise} THEN 'changed' ELSE 'completed' END AS change
            FROM pairs
        )
        SELECT
            {sql.literal(fact.table)} AS fact,
            concat_ws('|', {identity}) AS fact_id,
            change,
            array_to_string(names, ', ') AS columns,
            {_values("old", watched)} AS old_values,
            {_values("new", watched)} AS new_values,
            new.effect - old.effect AS cash_difference,
            old.position AS old_position,
            new.position AS new_position
        FROM changes
        WHERE {counts}
    """


def _known(column: Column) -> str:
    name = sql.identifier(column.name)
    if column.inherited:
        return f"last_value({name} IGNORE NULLS) OVER earlier AS {name}"
    return name


def _changed(column: Column) -> str:
    differs = f"new.{column.name} IS DISTINCT FROM old.{column.name}"
    if column.inherited and not column.money:
        return f"{differs} AND old.{column.name} IS NOT NULL"
    return differs


def _said_otherwise(column: Column) -> str:
    condition = f"{_changed(column)} AND old.{column.name} IS NOT NULL"
    if column.sql_type == "TIMESTAMPTZ":
        condition += " AND NOT (old.generation < 0 AND new.generation > old.generation)"
    return f"({condition})"


def _values(side: str, watched: list[Column]) -> str:
    """Return SQL for the values of the changed columns, as the text of a JSON object."""
    members = ", ".join(
        f"CASE WHEN list_contains(names, {sql.literal(column.name)}) THEN "
        f"{sql.literal(chr(34) + column.name + chr(34) + ':')} || "
        f"coalesce(to_json({side}.{column.name}::VARCHAR)::VARCHAR, 'null') END"
        for column in watched
    )
    return f"'{{' || concat_ws(',', {members}) || '}}'"


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(sql.identifier(column.name) for column in columns)
