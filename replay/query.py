"""Questions to a projection file: one SELECT, of the user's or a saved one, and its answer.

The file is open read-only and closed off from other files (`replay.database.open_for_reading`);
what is refused here is refused first for the sake of a clear message.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import duckdb
import pyarrow as pa

from domain.errors import CannotDoError, UsageError
from projections import sql

FOLDER: Final = "queries"
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]

_MULTI: Final = "this takes several statements; a PIVOT must name its values: PIVOT t ON c IN (…)"
# The request is fine, but there is no room, or somebody interrupted it.
_WORLD: Final = (
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
    duckdb.IOException,
    duckdb.InternalException,
    duckdb.FatalException,
)


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query of `projections/queries`."""

    name: str
    question: str
    sql: str


def saved() -> list[SavedQuery]:
    """Return the saved queries by name; `pnl-by-day` is the file `pnl_by_day.sql`."""
    found = []
    for name in sql.names("queries"):
        text = sql.text(FOLDER, name)
        question = text.partition("\n")[0].removeprefix("--").strip()
        found.append(SavedQuery(name.replace("_", "-"), question, text))
    return found


def saved_query(name: str) -> SavedQuery:
    """Return a saved query. Raise UsageError that names the nearest ones if there is none."""
    known = {query.name: query for query in saved()}
    wanted = name.removeprefix("@").strip().lower().replace("_", "-")
    if wanted in known:
        return known[wanted]
    near = [other for other in known if wanted and wanted in other]
    close = difflib.get_close_matches(wanted, known, n=3)
    near += [other for other in close if other not in near]
    hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}"
    message = f"no saved query is called {name!r}; {hint}"
    raise UsageError(message)


def run(
    connection: duckdb.DuckDBPyConnection, sql_text: str, parameters: Parameters | None = None
) -> pa.Table:
    """Return the answer to one SELECT: decimals as decimal128, moments as UTC timestamps.

    Raise UsageError for anything else than one SELECT and for SQL that DuckDB refuses, with the
    place and DuckDB's own suggestion; CannotDoError if the machine does not let it finish.
    """
    _refuse_all_but_one_select(sql_text, parameters)
    # A result of execute() that was not read to its end would be in the way of sql().
    connection.complete()
    try:
        relation = connection.sql(sql_text, params=parameters)
        table = relation.to_arrow_table()
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise UsageError(_unknown_name(connection, sql_text, parameters, error)) from error
    except _WORLD as error:
        message = f"the query could not be finished: {_told(error)}"
        raise CannotDoError(message) from error
    except duckdb.Error as error:
        raise UsageError(_told(error)) from error
    repeated = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if repeated:
        message = f"several columns are called {', '.join(repeated)}: give them names with AS"
        raise UsageError(message)
    return table


def _unknown_name(
    connection: duckdb.DuckDBPyConnection,
    sql_text: str,
    parameters: Parameters | None,
    error: duckdb.Error,
) -> str:
    """Return DuckDB's message with the place, which only execute() tells, and our tables."""
    told = _told(error)
    try:
        connection.execute(sql_text, parameters)
    except duckdb.Error as again:
        told = _told(again)
    connection.complete()
    if "Table with name" not in told:
        return told
    tables = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
    return f"{told}\n\nThe tables are {', '.join(name for (name,) in tables)}."


def _refuse_all_but_one_select(sql_text: str, parameters: Parameters | None) -> None:
    try:
        statements = duckdb.extract_statements(sql_text)
    except duckdb.Error as error:
        raise UsageError(_told(error)) from error
    if not statements:
        message = "there is no SQL in the query"
        raise UsageError(message)
    if len(statements) > 1:
        message = f"one SELECT at a time: the query holds {len(statements)} statements"
        raise UsageError(message)
    (statement,) = statements
    if statement.type == duckdb.StatementType.MULTI:
        raise UsageError(_MULTI)
    if statement.type != duckdb.StatementType.SELECT:
        word = statement.query.split(maxsplit=1)[0].upper().rstrip(";")
        message = (
            f"{word} is not a question: only SELECT is run here (also WITH, FROM, VALUES, "
            "DESCRIBE, SUMMARIZE, SHOW); the projection is changed by `brokertruth project` alone"
        )
        raise UsageError(message)
    _refuse_other_parameters(statement.named_parameters, parameters)


def _refuse_other_parameters(asked: set[str], parameters: Parameters | None) -> None:
    given = (
        set(parameters)
        if isinstance(parameters, Mapping)
        else {str(number + 1) for number in range(len(parameters or ()))}
    )
    if asked - given:
        message = f"the query asks for parameters that were not given: {_listed(asked - given)}"
        raise UsageError(message)
    if given - asked:
        message = f"parameters were given that the query does not use: {_listed(given - asked)}"
        raise UsageError(message)


def _listed(names: set[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names))


def _told(error: duckdb.Error) -> str:
    """Return DuckDB's message: what is wrong, its suggestion, and the place under a caret."""
    return str(error).strip()
