"""From stored bytes to candidate facts: the SQL around the readers.

    chunk      a run of events of the log: position, key, kind, shape, state (as text)
    decoded    events of one kind, envelope and payload decoded once over all generations' keys,
               each with the reader that its shape chose
    reader     projections/readers/<kind>.sql: one branch a generation, every value still text
    rendition  the reader's rows with typed columns, and the first problem of each row if any

A value is typed only if its text fits the column in full; it is never rounded, defaulted or
dropped. A row with a problem becomes a row of `unreadable`.
"""

import json
from typing import Final

from domain.columns import Column, Fact, columns_of
from domain.kinds import Kind
from projections import sql

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


def read(kind: Kind) -> str:
    """Return SQL that appends the events of a kind in `chunk` to the rendition table.

    A column that the reader does not name is one that its payloads never state: it is empty.
    """
    if kind.fact is None:
        message = f"{kind.name} is kept and not read"
        raise TypeError(message)
    columns = columns_of(kind.fact)
    typed = [
        f"{_typed(column)} AS {sql.identifier(f'{column.name}_typed')}"
        for column in columns
        if _is_text(column)
    ]
    unsaid = ", ".join(f"NULL::{_raw_type(c)} AS {sql.identifier(c.name)}" for c in columns)
    chosen = [f"{_final(column)} AS {sql.identifier(column.name)}" for column in columns]
    return f"""
        INSERT INTO {rendition_table(kind.fact)} BY NAME
        WITH decoded AS ({decode(kind)}),
        raw AS (
            {sql.text("readers", kind.name.replace(".", "_"))}
            UNION ALL BY NAME SELECT {unsaid} WHERE false
        ),
        typed AS (SELECT {", ".join(["*", *typed])} FROM raw)
        SELECT {", ".join(chosen)}, generation, {_problem(columns)} AS problem
        FROM typed
    """


def rendition_table(fact: type[Fact]) -> str:
    """Return the name of the temporary table that holds what readers made."""
    return f"rendition_{fact.table}"


def create_rendition_table(fact: type[Fact]) -> str:
    """Return the statement that makes it: the fact's columns, all optional, and the problem."""
    columns = [f"{sql.identifier(c.name)} {c.sql_type}" for c in columns_of(fact)]
    columns.append("generation INTEGER")
    columns.append("problem STRUCT(reason VARCHAR, column_name VARCHAR, offending VARCHAR)")
    return f"CREATE TEMP TABLE IF NOT EXISTS {rendition_table(fact)} ({', '.join(columns)})"


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
