"""The log's tables in SQLite, on top of the eventsourcing library's recorder.

originator_id = key, originator_version = revision, topic = kind, rowid = position. The library
gives the table, the pool and the reading interface; added here are durable connections, the
triggers that make both tables append-only, and one seal for each transaction that writes.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from eventsourcing.persistence import StoredEvent as LibraryEvent
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteFactory,
    SQLiteTransaction,
)

from adapters.log.appending import StoredRow
from domain.errors import LogCorruptError
from domain.event import StoredEvent
from domain.seals import GENESIS, Seal, extend

EVENTS: Final = "stored_events"
SEALS: Final = "seals"
LOCK_TIMEOUT: Final = 30  # seconds
APPLICATION_ID: Final = 0x62726B74  # "brkt"
LOG_FORMAT: Final = 1

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    # A commit that was acknowledged survives a power cut; some builds default to less.
    "PRAGMA synchronous = FULL",
    # On macOS fsync alone leaves the data in the drive's cache.
    "PRAGMA fullfsync = ON",
)
_CREATE_SEALS: Final = (
    "CREATE TABLE IF NOT EXISTS seals (first INTEGER, last INTEGER PRIMARY KEY, digest BLOB)"
)
_INSERT_SEAL: Final = "INSERT INTO seals (first, last, digest) VALUES (?, ?, ?)"
LAST_SEAL: Final = "SELECT first, last, digest FROM seals ORDER BY last DESC LIMIT 1"

# INSERT OR REPLACE deletes the row that stands in its way without firing a delete trigger
# (recursive_triggers is off by default), hence the triggers before an insert.
_STANDS_IN_THE_WAY: Final = {
    EVENTS: (
        "EXISTS (SELECT 1 FROM stored_events WHERE originator_id = NEW.originator_id"
        " AND originator_version = NEW.originator_version)"
        " OR EXISTS (SELECT 1 FROM stored_events WHERE rowid = NEW.rowid)"
    ),
    SEALS: "EXISTS (SELECT 1 FROM seals WHERE last = NEW.last)",
}


def _triggers() -> dict[str, str]:
    statements = {}
    for table, in_the_way in _STANDS_IN_THE_WAY.items():
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for event in ("UPDATE", "DELETE", "INSERT"):
            name = f"{table}_refuse_{'replace' if event == 'INSERT' else event.lower()}"
            condition = f" WHEN {in_the_way}" if event == "INSERT" else ""
            statements[name] = (
                f"CREATE TRIGGER {name} BEFORE {event} ON {table}{condition} {refuse}"
            )
    return statements


TRIGGERS: Final = _triggers()


class LogConnection(SQLiteConnection):
    """A connection whose writing transactions hold the write lock from their first moment."""

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        """Run a transaction; a reading one is rolled back in the end."""
        with _LogTransaction(self, commit=commit) as cursor, cursor:
            yield cursor

    def commit(self) -> None:
        """Commit; whatever could not be committed is rolled back, not left for the next user."""
        try:
            super().commit()
        except sqlite3.Error:
            self.rollback()
            raise


class _LogTransaction(SQLiteTransaction):
    def __enter__(self) -> SQLiteCursor:
        cursor: SQLiteCursor = self.connection.cursor()
        # With a plain BEGIN a transaction that reads before it writes can fail to get the lock.
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class LogConnectionPool(SQLiteConnectionPool):
    """Connections that commit durably, and wait for other writers for LOCK_TIMEOUT."""

    def _create_connection(self) -> SQLiteConnection:
        timeout = LOCK_TIMEOUT if self.lock_timeout is None else self.lock_timeout
        connection = sqlite3.connect(
            self.db_name,
            uri=True,
            check_same_thread=False,
            isolation_level=None,
            timeout=timeout,
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma).fetchall()
        except sqlite3.Error:
            connection.close()
            raise
        self.is_journal_mode_wal = True
        connection.row_factory = sqlite3.Row
        return LogConnection(connection, max_age=self.max_age)


class LogDatastore(SQLiteDatastore):
    """The library's datastore over a LogConnectionPool; keys are text."""

    def __init__(self, db_name: str, *, lock_timeout: int | None = None) -> None:
        """Prepare for the database that `db_name` (a path or a URI) names; opens nothing yet."""
        super().__init__(db_name, originator_id_type="text")
        uri = urlsplit(db_name)
        self.path = unquote(uri.path) if uri.scheme == "file" else db_name
        self.pool = LogConnectionPool(
            db_name=db_name,
            lock_timeout=lock_timeout,
            # A writer of this process waits for another one at least as long as the lock itself.
            pool_timeout=(LOCK_TIMEOUT if lock_timeout is None else lock_timeout) + 5,
        )


class LogRecorder(SQLiteApplicationRecorder):
    """Stores events and the seal over them in one transaction."""

    datastore: LogDatastore

    def construct_create_table_statements(self) -> list[str]:
        """Return what makes the tables, the triggers and the marks of a log's file."""
        triggers = [
            statement.replace("CREATE TRIGGER", "CREATE TRIGGER IF NOT EXISTS", 1)
            for statement in TRIGGERS.values()
        ]
        return [
            *super().construct_create_table_statements(),
            _CREATE_SEALS,
            *triggers,
            f"PRAGMA application_id = {APPLICATION_ID}",
            f"PRAGMA user_version = {LOG_FORMAT}",
        ]

    def insert_rows(self, cursor: sqlite3.Cursor, rows: Sequence[StoredRow]) -> int:
        """Insert rows and seal them; return the last position.

        Raise sqlite3.IntegrityError if a key has such a revision already. The caller rolls back
        whenever this raises.
        """
        cursor.executemany(self.insert_events_statement, rows)
        last = int(cursor.execute(self.select_max_notification_id_statement).fetchone()[0])
        first = last - len(rows) + 1
        previous = read_seal(cursor, LAST_SEAL)
        sealed = previous.last if previous else 0
        if first != sealed + 1:
            message = (
                f"{self.datastore.path}: the seals end at position {sealed}, the events "
                f"at {first - 1}: another program wrote into the log. Nothing was written; run "
                "`brokertruth verify`, then restore the log from a backup"
            )
            raise LogCorruptError(message)
        stored = (StoredEvent(position, *row) for position, row in enumerate(rows, first))
        digest = extend(previous.digest if previous else GENESIS, stored)
        cursor.execute(_INSERT_SEAL, (first, last, digest))
        return last

    def _insert_events(
        self,
        c: SQLiteCursor,
        stored_events: Sequence[LibraryEvent],
        **_: Any,  # noqa: ANN401
    ) -> Sequence[int]:
        if not stored_events:
            return []
        rows = [
            (str(event.originator_id), event.originator_version, event.topic, event.state)
            for event in stored_events
        ]
        last = self.insert_rows(c.sqlite_cursor, rows)
        return range(last - len(rows) + 1, last + 1)


class LogFactory(SQLiteFactory):
    """Makes LogRecorders from the library's environment keys (SQLITE_DBNAME, …)."""

    application_recorder_class = LogRecorder

    def __init__(self, env: Any) -> None:  # noqa: ANN401
        """Read the environment keys; text keys and durable connections whatever they say."""
        super().__init__(env)
        stock = self.datastore.pool
        self.datastore = LogDatastore(stock.db_name, lock_timeout=stock.lock_timeout)


def read_seal(
    cursor: sqlite3.Cursor, statement: str, parameters: Sequence[object] = ()
) -> Seal | None:
    """Return the seal that a SELECT of first, last and digest finds."""
    row = cursor.execute(statement, parameters).fetchone()
    return None if row is None else Seal(*row)


@contextmanager
def tuples(datastore: SQLiteDatastore) -> Iterator[sqlite3.Cursor]:
    """Run a reading transaction whose cursor gives plain tuples."""
    with datastore.transaction(commit=False) as reading:
        cursor = reading.sqlite_cursor
        cursor.row_factory = None
        yield cursor
