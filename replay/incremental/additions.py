"""New events into facts: those that nobody told before, and those that they tell anew.

What a new event tells of a fact that the book has already is merged with all that was told of it
before, which is read from the log once more. The facts that come of it are in tables fresh_*, the
log positions of the rows that they replace in tables replaced_*.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from domain import kinds
from domain.columns import Fact, columns_of
from domain.errors import RebuildNeededError
from domain.facts import Fill, Settlement
from domain.shapes import Choice
from domain.statements import Commission
from projections import merging, reading, sql
from replay import census, intake
from replay.census import Census
from replay.ports import EventLog

SHADOWED = ("restatement", "retelling", "unreadable", "drift", "shape_month", "canary")


@dataclass(slots=True)
class Additions:
    """What new events bring.

    told       how many readable renderings of each fact table are new
    replaced   how many rows of each fact table are told anew
    fresh      how many rows each fact table gets, with those that are told anew
    """

    told: dict[type[Fact], int] = field(default_factory=dict)
    replaced: dict[type[Fact], int] = field(default_factory=dict)
    fresh: dict[type[Fact], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads new events, and old ones once more, on a connection to an open projection.

    `book` is how SQL names the schema of the file: temporary tables hide those of the same name.
    """

    connection: duckdb.DuckDBPyConnection
    log: EventLog
    book: str

    def take(self, after: int, until: int, size: int) -> Additions:
        """Make the fresh facts of the events with after < position <= until."""
        taken = Census(self.connection)
        known = self._known_shapes(taken)
        read: dict[type[Fact], None] = {}
        for start in range(after, until, size):
            self._show(self.log.batches(start, min(start + size, until)).read_all())
            read |= dict.fromkeys(intake.read_chunk(self.connection, taken, start))
        _refuse_other_readers(taken, known)
        added = Additions(told={fact: self._count(fact) for fact in read})
        again = self._told_before(read)
        read |= dict.fromkeys(again)
        self._read_again(again)
        for fact in read:
            added.replaced[fact] = self._rows(f"replaced_{fact.table}")
            added.fresh[fact] = self._merge(fact)
        for fact in read:
            self.connection.execute(
                f"CREATE TEMP TABLE gone_{fact.table} AS SELECT * FROM stored_{fact.table}"
                f" SEMI JOIN replaced_{fact.table} USING (position)"
            )
        for fact in (Fill, Settlement):
            self._complete(fact)
        self.connection.execute(sql.text("census", "drift"))
        return added

    def _known_shapes(self, taken: Census) -> dict[tuple[str, str], Choice]:
        """Let the census know what the file says of the shapes that it has met."""
        rows = self.connection.execute(
            f"SELECT kind, shape, reader, status, reason, nearest, keys_added, keys_missing"
            f" FROM {self.book}drift"
        ).fetchall()
        for kind, shape, reader, status, reason, nearest, *_ in rows:
            taken.choices[kind, shape] = Choice(status, reader, reason, nearest)
        if rows:
            generations = [census.generation(kind, reader) for kind, _, reader, *_ in rows]
            honest = [row[4] not in ("not_json", "wrong_shape") for row in rows]
            columns = [list(column) for column in zip(*rows, strict=True)]
            self.connection.execute(
                f"INSERT INTO shape_choice SELECT {', '.join(['unnest(?)'] * 10)}",
                [*columns, honest, generations],
            )
        return dict(taken.choices)

    def _show(self, events: pa.Table) -> None:
        self.connection.register("events", events)
        self.connection.execute(sql.text("census", "chunk"))

    def _count(self, fact: type[Fact]) -> int:
        return self._rows(f"{reading.rendition_table(fact)} WHERE problem IS NULL")

    def _rows(self, source: str) -> int:
        ((count,),) = self.connection.execute(f"SELECT count(*) FROM {source}").fetchall()
        return int(count)

    def _told_before(self, read: Iterable[type[Fact]]) -> list[type[Fact]]:
        """Make the replaced_* tables; return the facts of which something was told before."""
        facts = list(read)
        for fact in facts:
            identity = ", ".join(column.name for column in columns_of(fact) if column.identity)
            sources = [f"{self.book}{fact.table}"]
            if fact is Fill:
                sources.append(f"{self.book}set_aside")
            rows = " UNION ALL ".join(
                f"SELECT position FROM {source} SEMI JOIN named USING ({identity})"
                for source in sources
            )
            self.connection.execute(f"""
                CREATE TEMP TABLE replaced_{fact.table} AS
                WITH named AS (
                    SELECT {identity} FROM {reading.rendition_table(fact)} WHERE problem IS NULL
                )
                {rows}
            """)
        if Fill not in facts:
            self.connection.execute(reading.create_rendition_table(Fill))
            self.connection.execute("CREATE TEMP TABLE replaced_fill (position BIGINT)")
            facts.append(Fill)
        self._reported(facts)
        return [fact for fact in facts if self._rows(f"replaced_{fact.table}")]

    def _reported(self, facts: Sequence[type[Fact]]) -> None:
        """Let the fills be read again that have the P&L of a commission report told anew."""
        if Commission in facts:
            self.connection.execute(f"""
                INSERT INTO replaced_fill
                SELECT f.position
                FROM {self.book}fill AS f
                INNER JOIN {self.book}commission AS c USING (venue, account, mode, fill_id)
                SEMI JOIN replaced_commission AS r ON r.position = c.position
                ANTI JOIN replaced_fill AS p ON p.position = f.position
            """)

    def _read_again(self, facts: Sequence[type[Fact]]) -> None:
        """Read all that was told before of what is told anew."""
        for fact in facts:
            self.connection.execute(f"""
                CREATE TEMP TABLE earlier_{fact.table} AS
                SELECT position FROM replaced_{fact.table}
                UNION
                SELECT unnest(t.positions)
                FROM {self.book}retelling AS t
                SEMI JOIN replaced_{fact.table} AS r ON r.position = t.position
                WHERE t.fact = {sql.literal(fact.table)}
            """)
            self._read_at(fact, f"SELECT position FROM earlier_{fact.table}")

    def _read_at(self, fact: type[Fact], positions: str) -> None:
        rows = self.connection.execute(positions).fetchall()
        self._show(self.log.events_at([position for (position,) in rows]))
        self.connection.execute(reading.create_rendition_table(fact))
        present = self.connection.execute("SELECT DISTINCT kind FROM chunk").fetchall()
        for (name,) in sorted(present):
            self.connection.execute(reading.read(kinds.BY_NAME[name]))

    def aside(self, positions: str) -> None:
        """Make aside_fill, what was told of executions that do not count, found by `positions`."""
        connection = self.connection
        connection.execute(f"CREATE TEMP TABLE aside_position AS {positions}")
        self._read_at(
            Fill,
            """
                SELECT position FROM aside_position
                UNION
                SELECT unnest(t.positions)
                FROM stored_retelling AS t
                SEMI JOIN aside_position AS a ON a.position = t.position
                WHERE t.fact = 'fill'
            """,
        )
        connection.execute(merging.contested(Fill))
        ((_, again),) = connection.execute(merging.count(Fill)).fetchall()
        connection.execute(merging.merge(Fill, told_again=again > 0))
        merged = merging.merged_table(Fill)
        connection.execute(f"CREATE TEMP TABLE aside_fill AS SELECT * FROM {merged}")
        connection.execute(merging.drop(merged))

    def _merge(self, fact: type[Fact]) -> int:
        """Make the fresh facts, and what they restate; return how many there are."""
        connection = self.connection
        connection.execute(merging.contested(fact))
        ((_, again),) = connection.execute(merging.count(fact)).fetchall()
        connection.execute(merging.merge(fact, told_again=again > 0))
        statement = merging.restate(fact)
        if again:
            if statement is not None:
                connection.execute(statement)
            connection.execute(merging.record_tellings(fact))
        merged = merging.merged_table(fact)
        connection.execute(f"CREATE TEMP TABLE fresh_{fact.table} AS SELECT * FROM {merged}")
        connection.execute(merging.drop(merged))
        return self._rows(f"fresh_{fact.table}")

    def _complete(self, fact: type[Fact]) -> None:
        """Make the tables that are not there yet, without rows."""
        columns = ", ".join(f"{sql.identifier(c.name)} {c.sql_type}" for c in columns_of(fact))
        self.connection.execute(f"""
            CREATE TEMP TABLE IF NOT EXISTS fresh_{fact.table} ({columns});
            CREATE TEMP TABLE IF NOT EXISTS replaced_{fact.table} (position BIGINT);
            CREATE TEMP TABLE IF NOT EXISTS earlier_{fact.table} (position BIGINT);
        """)


def shadow(connection: duckdb.DuckDBPyConnection, names: Iterable[str], book: str) -> None:
    """Hide tables of the file behind empty temporary ones of the same name."""
    for name in names:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM {book}{name} LIMIT 0")


def unshadow(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Show the tables of the file again."""
    for name in names:
        connection.execute(f"DROP TABLE temp.{name}")


def _refuse_other_readers(taken: Census, known: dict[tuple[str, str], Choice]) -> None:
    for (kind, shape), before in known.items():
        now = taken.choices[kind, shape]
        if (now.reader, now.status, now.reason) != (before.reader, before.status, before.reason):
            message = (
                f"shape {shape} of {kind} was {before.status} so far, and what is new shows that "
                f"{now.reader or 'no reader'} reads it"
            )
            raise RebuildNeededError(message)
