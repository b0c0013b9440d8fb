"""What a build begins with: the file with all published tables and no rows, and empty tables.

To write the meanings of some 850 columns into a database, and to plan steps that have nothing to
do, takes longer than projecting a small book, and gives the same for every book. So it is done once
a process: the file is copied, and a working table that has no rows is not computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from domain.columns import columns_of
from domain.errors import CannotDoError
from domain.facts import FACTS
from domain.results import TABLES
from domain.rules import Rules
from projections import STEPS, TEMPORARY, merging, schema, sql
from replay import rules
from replay.database import Resources, open_for_writing, transaction


@dataclass(frozen=True, slots=True)
class Blank:
    """What an empty book is made of.

    `content` is the file; `absent` has, by name, SQL for each working table and for the merged
    facts of each type that stands for them where they have no rows.
    """

    content: bytes
    absent: Mapping[str, str]


def open_copy(path: Path, resources: Resources) -> duckdb.DuckDBPyConnection:
    """Copy the file to `path`, and open it for the one process that writes it."""
    try:
        path.write_bytes(made().content)
        return open_for_writing(path, resources)
    except (CannotDoError, OSError) as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            message = f"cannot open {path}: {error}"
            raise CannotDoError(message) from error
        raise


@cache
def made() -> Blank:
    """Make it, once a process."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "blank.duckdb"
        connection = open_for_writing(path, Resources(threads=1))
        with transaction(connection):
            for model in TABLES:
                connection.execute(schema.create_table(model))
                connection.execute(schema.comments(model))
        connection.execute("CHECKPOINT")
        absent = _absent(connection)
        connection.close()
        return Blank(path.read_bytes(), absent)


def _absent(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    for name in sql.names("macros"):
        connection.execute(sql.text("macros", name))
    rules.write(connection, Rules())
    found = {}
    for fact in FACTS:
        name = merging.merged_table(fact)
        columns = [(column.name, column.sql_type) for column in columns_of(fact)]
        found[name] = schema.absent(name, columns)
        connection.execute(found[name])
    for step in STEPS:
        working = [name for name in step.outputs if name in TEMPORARY]
        if working:
            connection.execute(sql.text("steps", step.name))
        for name in working:
            described = connection.execute(f"DESCRIBE {name}").fetchall()
            found[name] = schema.absent(name, [(column, kind) for column, kind, *_ in described])
    return found
