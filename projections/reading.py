"""From stored bytes to candidate facts: the SQL around the readers.

    chunk      a run of events of the log: position, key, kind, shape, state (as text)
    decoded    events of one kind, envelope and payload decoded once over all generations' keys,
               each with the reader that its shape chose
    reader     projections/readers/<kind>.sql: one branch a generation, every value still text
    told       the reader's rows with typed columns, and the first problem of each row if any
    rendition  all of a fact's rows that were told

Of one chunk a fact's rows are told into one temporary table. Of a whole log they are kept packed:
compressed, in a database in memory, for each kind only the columns that its reader states.

A value is typed only if its text fits the column in full; it is never rounded, defaulted or
dropped. A row with a problem becomes a row of `unreadable`.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from domain.columns import Column, Fact, columns_of
from domain.kinds import Kind
from projections import sql

PACKED: Final = "packed"
"""The database in memory that holds what was told in a whole log."""

_ENVELOPE: Final = {
    "venue": "VARCHAR",
    "account": "VARCHAR",
    "mode": "VARCHAR",
    "received_at": "VARCHAR",
    "as_of": "VARCHAR",
    "asked": {"subaccount": "VARCHAR", "exchange_index": "VARCHAR"},
}
_JSON_TO_SQL: Final = {
    "string": "VARCHAR",
    "integer": "VARCHAR",
    "boolean": "BOOLEAN",
    "integer|number": "DECIMAL(38,18)",
    "object": "JSON",
}
_INTEGER: Final = r"-?[0-9]{1,18}"
_TIME: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6}0*)?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)"
)

_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

# SQL type -> the reason if a text does not fit, what must match, and how it is typed. Times are
# kept to the years that Python can show. TRY_CAST only sees what matched: it cannot round, and it
# does not raise where the engine computes it ahead of the condition.
_GUARDS: Final = {
    "BIGINT": ("bad_number", _INTEGER, "TRY_CAST({0} AS BIGINT)"),
    "TIMESTAMPTZ": (
        "bad_time",
        _TIME,
        (
            "CASE WHEN TRY_CAST({0} AS TIMESTAMPTZ) BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' "
            "AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' THEN TRY_CAST({0} AS TIMESTAMPTZ) END"
        ),
    ),
    "DATE": ("bad_date", _DAY, "TRY_CAST({0} AS DATE)"),
}


def payload_types(kind: Kind) -> dict[str, str]:
    """Return the SQL type of every key that some reader of the kind reads."""
    types: dict[str, str] = {}
    for reader in kind.readers:
        for key, declared in {**reader.optional, **reader.required}.items():
            readable = "|".join(sorted(set(declared.split("|")) - {"null"}))
            sql_type = _JSON_TO_SQL[readable]
            if types.setdefault(key, sql_type) != sql_type:
                message = f"{kind.name}: {key} has two types, {types[key]} and {sql_type}"
                raise TypeError(message)
    return types


def decode(kind: Kind) -> str:
    """Return SQL for the events of a kind in `chunk` that some reader takes, decoded once.

    Columns: position, key, reader, generation (the rank of the reader, negative for a provisional
    kind; see `Kind.authority`), venue, account, mode, received_at, as_of, asked (subaccount,
    exchange_index), p (the payload's keys).
    """
    structure = json.dumps({**_ENVELOPE, "payload": payload_types(kind)})
    return f"""
        SELECT
            position, key, reader, generation,
            d.venue, d.account, d.mode, d.received_at, d.as_of, d.asked, d.payload AS p
        FROM (
            SELECT
                c.position, c.key, s.reader, s.generation,
                TRY(json_transform(c.state, {sql.literal(structure)})) AS d
            FROM chunk AS c
            INNER JOIN shape_choice AS s ON s.kind = c.kind AND s.shape = c.shape
            WHERE c.kind = {sql.literal(kind.name)} AND s.reader IS NOT NULL
        )
    """


def stated(kind: Kind) -> str:
    """Return SQL that lists, first of all its columns, the names of what the kind's reader states.

    Needs a `chunk` and `shape_choice`, which may be empty.
    """
    return f"DESCRIBE {_raw(kind)} SELECT * FROM raw"


def read(kind: Kind, names: Collection[str] | None = None) -> str:
    """Return SQL that appends the events of a kind in `chunk` to what was told of its fact.

    A column that the reader does not name is one that its payloads never state: it is empty. With
    the names that the reader states, the rows go to the kind's packed table.
    """
    columns = columns_of(_fact(kind))
    unsaid = [column for column in columns if names is not None and column.name not in names]
    nulls = [f"NULL::{_raw_type(c)} AS {sql.identifier(c.name)}" for c in unsaid]
    typed = [
        f"{_typed(column)} AS {sql.identifier(f'{column.name}_typed')}"
        for column in columns
        if _is_text(column)
    ]
    kept = [column for column in columns if column not in unsaid]
    chosen = ", ".join(f"{_final(column)} AS {sql.identifier(column.name)}" for column in kept)
    return f"""
        INSERT INTO {told_table(_fact(kind)) if names is None else packed_table(kind.name)} BY NAME
        {_raw(kind)},
        full_width AS ({_widened(columns) if names is None else _selected(["*", *nulls])}),
        typed AS (SELECT {", ".join(["*", *typed])} FROM full_width)
        SELECT {chosen}, generation, {_problem(columns)} AS problem
        FROM typed
    """


def _fact(kind: Kind) -> type[Fact]:
    if kind.fact is None:
        message = f"{kind.name} is kept and not read"
        raise TypeError(message)
    return kind.fact


def _raw(kind: Kind) -> str:
    reader = sql.text("readers", kind.name.replace(".", "_"))
    return f"WITH decoded AS ({decode(kind)}), raw AS ({reader})"


def _widened(columns: tuple[Column, ...]) -> str:
    unsaid = ", ".join(f"NULL::{_raw_type(c)} AS {sql.identifier(c.name)}" for c in columns)
    return f"SELECT * FROM raw UNION ALL BY NAME SELECT {unsaid} WHERE false"


def _selected(columns: list[str]) -> str:
    return f"SELECT {', '.join(columns)} FROM raw"


def rendition_table(fact: type[Fact]) -> str:
    """Return the name of the temporary view of all that was told of a fact."""
    return f"rendition_{fact.table}"


def told_table(fact: type[Fact]) -> str:
    """Return the name of the temporary table that holds what readers made."""
    return f"told_{fact.table}"


def packed_table(kind: str) -> str:
    """Return the name of the table that holds what a kind's reader made of a whole log."""
    return f"{PACKED}.told_by_{kind.replace('.', '_')}"


def create_rendition_table(fact: type[Fact]) -> str:
    """Return what makes the table and its view: the fact's columns, all optional, and the problem.

    Both may be there already.
    """
    return f"""
        CREATE TEMP TABLE IF NOT EXISTS {told_table(fact)} ({_columns(columns_of(fact))});
        CREATE TEMP VIEW IF NOT EXISTS {rendition_table(fact)} AS FROM {told_table(fact)}
    """


def create_packed_table(kind: Kind, names: Collection[str]) -> str:
    """Return the statement that makes the packed table of a kind whose reader states the names."""
    kept = [column for column in columns_of(_fact(kind)) if column.name in names]
    return f"CREATE TABLE {packed_table(kind.name)} ({_columns(kept)})"


def show_packed(fact: type[Fact], tables: Mapping[str, Collection[str]]) -> str:
    """Return what makes the view of a fact over the packed tables of kinds, by their names.

    Columns that the reader of a kind does not state cost nothing.
    """
    rows = " UNION ALL ".join(
        f"SELECT {_padded(fact, names)}, generation, problem FROM {packed_table(name)}"
        for name, names in tables.items()
    )
    return f"CREATE OR REPLACE TEMP VIEW {rendition_table(fact)} AS {rows}"


def _padded(fact: type[Fact], names: Collection[str]) -> str:
    return ", ".join(
        sql.identifier(column.name)
        if column.name in names
        else f"NULL::{column.sql_type} AS {sql.identifier(column.name)}"
        for column in columns_of(fact)
    )


def _columns(columns: Iterable[Column]) -> str:
    listed = [f"{sql.identifier(c.name)} {c.sql_type}" for c in columns]
    listed.append("generation INTEGER")
    listed.append("problem STRUCT(reason VARCHAR, column_name VARCHAR, offending VARCHAR)")
    return ", ".join(listed)


def _is_text(column: Column) -> bool:
    """Tell whether readers give the column as text that is still to be typed."""
    if column.provenance and column.sql_type == "BIGINT":
        return False  # a log position
    return column.places is not None or column.sql_type in _GUARDS


def _raw_type(column: Column) -> str:
    return "VARCHAR" if _is_text(column) else column.sql_type


def _final(column: Column) -> str:
    return sql.identifier(f"{column.name}_typed" if _is_text(column) else column.name)


def _typed(column: Column) -> str:
    name = sql.identifier(column.name)
    if column.places is not None:
        pattern, value = column.places.pattern, f"TRY_CAST({name} AS {column.sql_type})"
    else:
        _, pattern, value = _GUARDS[column.sql_type]
        value = value.format(name)
    return f"CASE WHEN regexp_full_match({name}, {sql.literal(pattern)}) THEN {value} END"


def _problem(columns: tuple[Column, ...]) -> str:
    # every envelope names its venue: without one, the state was no JSON
    cases = [_case("venue IS NULL", "not_json", None, "NULL")]
    for column in columns:
        name = sql.identifier(column.name)
        if column.required:
            missing = f"{name} IS NULL"
            if column.sql_type == "VARCHAR":
                missing += f" OR {name} = ''"
            cases.append(_case(missing, "missing_value", column.name, "NULL"))
        if _is_text(column):
            reason = "bad_number" if column.places is not None else _GUARDS[column.sql_type][0]
            wrong = f"{_final(column)} IS NULL AND {name} IS NOT NULL"
            cases.append(_case(wrong, reason, column.name, name))
        if column.choices:
            listed = ", ".join(sql.literal(choice) for choice in column.choices)
            cases.append(_case(f"{name} NOT IN ({listed})", "bad_value", column.name, name))
    cases.append(_case("contradiction IS NOT NULL", "contradiction", None, "contradiction"))
    return "CASE " + "\n            ".join(cases) + " END"


def _case(condition: str, reason: str, column: str | None, offending: str) -> str:
    name = "NULL" if column is None else sql.literal(column)
    packed = (
        f"struct_pack(reason := {sql.literal(reason)}, column_name := {name}::VARCHAR, "
        f"offending := {offending}::VARCHAR)"
    )
    return f"WHEN {condition} THEN {packed}"


def count_problems(fact: type[Fact]) -> str:
    """Return SQL that counts the renditions with a problem behind position $1."""
    return f"""
        SELECT count(*) FROM {rendition_table(fact)} WHERE position > $1 AND problem IS NOT NULL
    """


def unreadable_rows(fact: type[Fact]) -> str:
    """Return SQL that writes the renditions with a problem behind position $1 to `unreadable`.

    Needs the `chunk` that they came from.
    """
    return f"""
        INSERT INTO unreadable BY NAME
        SELECT
            position, c.kind, c.key, c.shape, s.reader,
            r.problem.reason, r.problem.column_name, r.problem.offending
        FROM {rendition_table(fact)} AS r
        INNER JOIN chunk AS c USING (position)
        INNER JOIN shape_choice AS s ON s.kind = c.kind AND s.shape = c.shape
        WHERE r.position > $1 AND r.problem IS NOT NULL
    """
