"""The event log in one SQLite file."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa

from adapters.log import columns
from adapters.log.appending import Appended, Decision, all_new, decide, refuse_malformed
from adapters.log.failures import explained
from adapters.log.opening import check_log, make_log
from adapters.log.recorder import (
    EVENTS,
    LAST_SEAL,
    LOCK_TIMEOUT,
    LogDatastore,
    LogRecorder,
    read_seal,
    tuples,
)
from domain.errors import LogCorruptError
from domain.event import NewEvent, StoredEvent
from domain.seals import Seal
from replay.ports import EVENT_SCHEMA

# More rows in one fetch are slower: Python's garbage collector walks over them again and again.
BATCH_ROWS: Final = 4096
BATCH_BYTES: Final = 64 * 1024 * 1024
_FETCH_ROWS: Final = 64

_COLUMNS: Final = "rowid, originator_id, originator_version, topic, state"
_SELECT: Final = f"SELECT {_COLUMNS} FROM {EVENTS}"  # noqa: S608
_HISTORY: Final = (
    f"SELECT originator_version, state FROM {EVENTS}"  # noqa: S608
    " WHERE originator_id = ? ORDER BY originator_version DESC"
)
_LAST_UNDER: Final = (
    f"{_SELECT} WHERE originator_id >= ? AND originator_id < ?"
    " ORDER BY originator_id DESC, originator_version DESC LIMIT 1"
)
_LAST_CHARACTER: Final = 0x10FFFF
_SEAL_OF: Final = "SELECT first, last, digest FROM seals WHERE last >= ? ORDER BY last LIMIT 1"
_RESTORE: Final = "run `brokertruth verify`, then restore the log from a backup"


class SQLiteLog:
    """An event log; an `EventLog` of `replay.ports` that can also be appended to.

    May be used from several threads, and by several processes at once. Must not be carried over
    a fork. Every method raises CannotDoError if the file cannot be used now (locked for longer
    than the lock timeout, disk full, not readable) and LogCorruptError if it is damaged.
    """

    def __init__(self, path: Path, recorder: LogRecorder) -> None:
        """Use `open`."""
        self.path = path
        self.recorder = recorder

    @classmethod
    def open(cls, path: Path, *, create: bool = False, lock_timeout: int = LOCK_TIMEOUT) -> Self:
        """Open the log at `path`; with `create` make it if nothing is there yet.

        `lock_timeout`, in seconds, is how long a write waits for another process. Raise
        CannotDoError if there is no log of a known format.
        """
        path = path.absolute()
        with explained(path, "open the log"):
            if create and not path.exists():
                make_log(path)
            check_log(path, lock_timeout)
        datastore = LogDatastore(f"{path.as_uri()}?mode=rw", lock_timeout=lock_timeout)
        recorder = LogRecorder(datastore, EVENTS)
        return cls(path, recorder)

    def close(self) -> None:
        """Close all connections; closing twice does no harm."""
        self.recorder.datastore.close()

    def __enter__(self) -> Self:
        """Return the log itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the log."""
        self.close()

    def append(self, events: Sequence[NewEvent], *, dry_run: bool = False) -> Appended:
        """Append what the log does not hold yet, all of it or nothing, under one seal.

        When this returns, the events are on the disk. With `dry_run` nothing is written; the
        counts are what an append would do now. Raise UsageError for an event whose envelope and
        key do not agree.
        """
        refuse_malformed(events)
        if not events:
            return Decision().appended(None)
        if dry_run:
            with explained(self.path, "read"), tuples(self.recorder.datastore) as cursor:
                return _decide(events, cursor).appended(None)
        with explained(self.path, f"append {len(events)} events"):
            try:
                return self._append_new(events)
            except _KnownKeyError:
                return self._append_carefully(events)

    def _append_new(self, events: Sequence[NewEvent]) -> Appended:
        decision = all_new(events)
        with self.recorder.datastore.transaction(commit=True) as writing:
            try:
                last = self.recorder.insert_rows(writing.sqlite_cursor, decision.rows)
            except sqlite3.IntegrityError as error:
                raise _KnownKeyError from error
        return decision.appended(last)

    def _append_carefully(self, events: Sequence[NewEvent]) -> Appended:
        with self.recorder.datastore.transaction(commit=True) as writing:
            cursor = writing.sqlite_cursor
            decision = _decide(events, cursor)
            last = self.recorder.insert_rows(cursor, decision.rows) if decision.rows else None
        return decision.appended(last)

    def head(self) -> int:
        """Return the last position, 0 when the log is empty."""
        with explained(self.path, "read"):
            return self.recorder.max_notification_id() or 0

    def seal_head(self) -> Seal | None:
        """Return the last seal, None when the log is empty."""
        with explained(self.path, "read"), tuples(self.recorder.datastore) as cursor:
            return read_seal(cursor, LAST_SEAL)

    def seal_of(self, position: int) -> Seal | None:
        """Return the seal that covers a position, None if the log has no such position."""
        with explained(self.path, "read"), tuples(self.recorder.datastore) as cursor:
            seal = read_seal(cursor, _SEAL_OF, (position,))
        return seal if seal and seal.first <= position else None

    def event(self, position: int) -> StoredEvent | None:
        """Return the event at a position, None if the log has no such position."""
        with explained(self.path, "read"), tuples(self.recorder.datastore) as cursor:
            row = cursor.execute(f"{_SELECT} WHERE rowid = ?", (position,)).fetchone()
        return StoredEvent(*row) if row else None

    def revisions(self, key: str) -> list[StoredEvent]:
        """Return all revisions of a key, the oldest first; empty if the key is unknown."""
        with explained(self.path, "read"), tuples(self.recorder.datastore) as cursor:
            rows = cursor.execute(
                f"{_SELECT} WHERE originator_id = ? ORDER BY originator_version", (key,)
            )
            return [StoredEvent(*row) for row in rows]

    def last_under(self, prefix: str) -> StoredEvent | None:
        """Return the newest revision of the last key, in text order, that begins with `prefix`.

        None if no key does. Raise ValueError for an empty prefix.
        """
        if not prefix:
            message = "an empty prefix"
            raise ValueError(message)
        with explained(self.path, "read"), tuples(self.recorder.datastore) as cursor:
            row = cursor.execute(_LAST_UNDER, (prefix, _behind(prefix))).fetchone()
        return StoredEvent(*row) if row else None

    def events_at(self, positions: Sequence[int]) -> pa.Table:
        """Return the events at these positions, in the columns of EVENT_SCHEMA."""
        with explained(self.path, "read"), tuples(self.recorder.datastore) as cursor:
            found = (
                cursor.execute(f"{_SELECT} WHERE rowid = ?", (position,)).fetchone()
                for position in sorted(set(positions))
            )
            rows = [row for row in found if row is not None]
        try:
            return pa.Table.from_batches([_as_batch(rows)], EVENT_SCHEMA)
        except (TypeError, pa.ArrowException) as error:
            message = f"{self.path}: damaged events; {_RESTORE}"
            raise LogCorruptError(message) from error

    def batches(self, after: int, until: int) -> pa.RecordBatchReader:
        """Stream the events with after < position <= until, ordered by position.

        Each batch is a short transaction of its own, so nothing stays open between two of them;
        because the log only grows, they fit together.
        """
        # Not through ADBC: its driver carries a second SQLite library, and two of them on one
        # file in one process release each other's locks. Another process then removes the
        # write-ahead log under this one, and what is appended next is lost.
        return pa.RecordBatchReader.from_batches(
            EVENT_SCHEMA, self._batches(max(after, 0), min(until, self.head()))
        )

    def _batches(self, after: int, until: int) -> Iterator[pa.RecordBatch]:
        while after < until:
            try:
                with explained(self.path, "read"), tuples(self.recorder.datastore) as cursor:
                    batch = _batch(cursor, after, min(until, after + BATCH_ROWS))
            except (TypeError, pa.ArrowException) as error:
                message = f"{self.path}: damaged events behind position {after}; {_RESTORE}"
                raise LogCorruptError(message) from error
            if batch is None:
                message = f"{self.path}: events are missing behind position {after}; {_RESTORE}"
                raise LogCorruptError(message)
            yield batch
            after += batch.num_rows


class _KnownKeyError(Exception):
    """Some key of the batch is in the log, or twice in the batch: decide with care."""


def _behind(prefix: str) -> str:
    """Return the first text, in the store's order, behind all that begin with `prefix`."""
    last = ord(prefix[-1])
    if last == _LAST_CHARACTER:
        return _behind(prefix[:-1]) if len(prefix) > 1 else prefix * 2
    # surrogates cannot be stored
    return prefix[:-1] + chr(0xE000 if last + 1 == 0xD800 else last + 1)  # noqa: PLR2004


def _decide(events: Sequence[NewEvent], cursor: sqlite3.Cursor) -> Decision:
    def history(key: str) -> Iterator[tuple[int, bytes]]:
        return iter(cursor.execute(_HISTORY, (key,)))

    return decide(events, history)


def _batch(cursor: sqlite3.Cursor, after: int, until: int) -> pa.RecordBatch | None:
    """Return events from behind `after` on, None if some are missing.

    Raise TypeError or ArrowException for what is no event.
    """
    try:
        batch = columns.fetch(cursor, after, until, BATCH_BYTES // BATCH_ROWS)
    except (pa.ArrowException, sqlite3.DataError):
        batch = None
    if batch is not None:
        return batch
    rows = _fetch(cursor, after, until)
    if not rows or rows[0][0] != after + 1 or rows[-1][0] != after + len(rows):
        return None
    return _as_batch(rows)


def _fetch(cursor: sqlite3.Cursor, after: int, until: int) -> list[tuple[Any, ...]]:
    """Return rows from behind `after` on, fewer than asked for if they are large."""
    cursor.execute(f"{_SELECT} WHERE rowid > ? AND rowid <= ? ORDER BY rowid", (after, until))
    rows: list[tuple[Any, ...]] = []
    size = 0
    while size < BATCH_BYTES and (more := cursor.fetchmany(_FETCH_ROWS)):
        rows += more
        size += sum(len(row[4]) for row in more)
    return rows


def _as_batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    """Turn rows into Arrow columns. Raise TypeError or ArrowException for what does not fit."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(EVENT_SCHEMA)
    pairs = zip(columns, EVENT_SCHEMA.types, strict=True)
    arrays = [pa.array(values, type_) for values, type_ in pairs]
    if any(array.null_count for array in arrays):
        message = "a column is NULL"
        raise TypeError(message)
    return pa.RecordBatch.from_arrays(arrays, schema=EVENT_SCHEMA)
