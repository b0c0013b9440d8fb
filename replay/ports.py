"""What replay needs of an event log, whatever it is stored in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from domain.event import StoredEvent
from domain.seals import Seal

EVENT_SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("revision", pa.int64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("state", pa.binary(), nullable=False),
    ]
)


class EventLog(Protocol):
    """A log of events at positions 1, 2, 3, … without gaps, which only ever grows.

    Every method raises CannotDoError if the store cannot be read now, and LogCorruptError if what
    it reads cannot be what was once appended. What one method returned stays true for the next: a
    log that grows meanwhile adds positions behind those that were seen.
    """

    def head(self) -> int:
        """Return the last position, 0 when the log is empty."""
        ...

    def seal_head(self) -> Seal | None:
        """Return the last seal, None when the log is empty."""
        ...

    def batches(self, after: int, until: int) -> pa.RecordBatchReader:
        """Stream the events with after < position <= until, ordered by position.

        The columns are those of EVENT_SCHEMA. An `until` behind the head means the head at the
        moment of the call. Memory is bounded whatever the range. Nothing stays open or locked
        between two batches, so a reader may be dropped at any time, and another thread may pull.
        """
        ...

    def event(self, position: int) -> StoredEvent | None:
        """Return the event at a position, None if the log has no such position."""
        ...

    def events_at(self, positions: Sequence[int]) -> pa.Table:
        """Return the events at these positions, in the columns of EVENT_SCHEMA.

        A position that the log does not have is left out.
        """
        ...

    def revisions(self, key: str) -> list[StoredEvent]:
        """Return all revisions of a key, the oldest first; empty if the key is unknown."""
        ...

    def last_under(self, prefix: str) -> StoredEvent | None:
        """Return the newest revision of the last key, in text order, that begins with `prefix`.

        None if no key does. The prefix must not be empty.
        """
        ...

    def seal_of(self, position: int) -> Seal | None:
        """Return the seal that covers a position, None if the log has no such position."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """All events with after < position <= until, kept in one Parquet file a kind.

    A file has the columns of `projections/census/chunk.sql` but the kind.
    """

    after: int
    until: int
    files: Mapping[str, Path]


class Segments(Protocol):
    """Events of a log that are kept beside it in a form that is read faster; never the truth."""

    def runs(self, until: int) -> Iterator[Run]:
        """Yield runs from the first position on, each behind the one before, up to `until` or less.

        The last one may reach behind `until`. Each has been checked against the log; what could not
        be used is left out, with all behind it, and left to the log.
        """
        ...
