"""The published tables of a projection that is being changed, and the sums of their rows.

Rows come and go; the fingerprint of a table follows from what came and went.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from domain.columns import Table, columns_of
from domain.results import TABLES
from projections.sql import identifier
from replay import fingerprint
from replay.fingerprint import Fingerprint, Sums

_PARTS: Final = ("old", "new")
MODELS: Mapping[str, type[Table]] = {model.table: model for model in TABLES}


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of the file behind a connection.

    `book` is how SQL names the schema of the file: temporary tables hide those of the same name.
    Each table can be read as stored_*, with `row` to find its rows by.
    """

    connection: duckdb.DuckDBPyConnection
    book: str
    sums: dict[str, Sums]

    def show(self) -> None:
        """Make the stored_* views."""
        for name in MODELS:
            self.connection.execute(
                f"CREATE TEMP VIEW stored_{name} AS SELECT rowid AS row, * FROM {self.book}{name}"
            )

    def take_out(self, name: str, rows: str) -> None:
        """Delete rows of a table; `rows` is SQL that gives each `row` once."""
        if not self.sums[name].rows:
            return
        ((count,),) = self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE doomed AS {rows}"
        ).fetchall()
        if not count:
            return
        found = f"{self.book}{name} WHERE rowid IN (SELECT row FROM doomed)"
        self.sums[name] -= fingerprint.sums_of(self.connection, MODELS[name], found)
        self.connection.execute(f"DELETE FROM {found}")

    def put_in(self, name: str, source: str) -> None:
        """Insert rows of a table or view that has all columns."""
        if self.connection.execute(f"SELECT 1 FROM {source} LIMIT 1").fetchone() is None:
            return
        made = fingerprint.sums_of(self.connection, MODELS[name], source)
        if made.rows:
            self.sums[name] += made
            self._insert(name, source)

    def digests(self, name: str) -> str:
        """Return SQL for the two digests that a row of a table is known by."""
        return ", ".join(
            f"hash({', '.join(identifier(column.name) for column in columns)}) AS {alias}"
            for alias, columns in fingerprint.parts_of(MODELS[name]).items()
        )

    def swap(self, name: str, rows: str, source: str) -> None:
        """Put the rows of a temporary table in the place of old ones; what is equal stays.

        `rows` is SQL that gives each `row` of the old ones once, with its digests: to compare these
        takes far less than to compare all columns.
        """
        if not self.sums[name].rows:
            self.put_in(name, source)
            return
        self.connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE old_rows AS {rows};
            CREATE OR REPLACE TEMP TABLE new_rows AS
            SELECT rowid AS row, {self.digests(name)} FROM {source};
            CREATE OR REPLACE TEMP TABLE same_rows AS
            SELECT whole, content
            FROM (SELECT whole, content, count(*) AS rows FROM old_rows GROUP BY ALL)
            INNER JOIN (SELECT whole, content, count(*) AS rows FROM new_rows GROUP BY ALL)
                USING (whole, content, rows)
        """)
        gone, come = (f"{part}_rows ANTI JOIN same_rows USING (whole, content)" for part in _PARTS)
        doomed, made = self._sums(gone), self._sums(come)
        self.sums[name] = self.sums[name] - doomed + made
        if doomed.rows:
            self.connection.execute(
                f"DELETE FROM {self.book}{name} WHERE rowid IN (SELECT row FROM {gone})"
            )
        if made.rows:
            self._insert(name, f"{source} WHERE rowid IN (SELECT row FROM {come})")

    def _sums(self, digests: str) -> Sums:
        """Return the sums of rows whose digests are known."""
        ((rows, full, content),) = self.connection.execute(f"""
            SELECT
                count(*),
                coalesce(sum(whole::HUGEINT), 0)::VARCHAR,
                coalesce(sum(content::HUGEINT), 0)::VARCHAR
            FROM {digests}
        """).fetchall()
        return Sums(rows, int(full), int(content))

    def _insert(self, name: str, found: str) -> None:
        columns = ", ".join(identifier(column.name) for column in columns_of(MODELS[name]))
        self.connection.execute(
            f"INSERT INTO {self.book}{name} BY NAME SELECT {columns} FROM {found}"
        )

    def count_again(self, name: str) -> None:
        """Take the sums of a small table anew."""
        found = fingerprint.sums_of(self.connection, MODELS[name], f"{self.book}{name}")
        self.sums[name] = found

    def fingerprints(self) -> list[Fingerprint]:
        """Return the fingerprints of all tables."""
        return [Fingerprint(name, self.sums[name]) for name in MODELS]
