"""Whether the log still holds exactly what was appended.

What this cannot see: a log cut back to an earlier seal, or one rebuilt as a whole with new seals.
An anchor kept outside the machine shows both (`adapters.log.anchor`).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from eventsourcing.persistence import PersistenceError

from adapters.log.envelope import EnvelopeCheck
from adapters.log.failures import explained, is_circumstance
from adapters.log.recorder import TRIGGERS, tuples
from adapters.log.sqlite import SQLiteLog
from domain.event import StoredEvent
from domain.seals import GENESIS, extend

PROBLEMS_MAX: Final = 100
_PAGE_ROWS: Final = 256
_LOWEST: Final = -(2**63)

_EXTENT: Final = """
    SELECT (SELECT coalesce(max(rowid), 0) FROM stored_events),
           (SELECT coalesce(max(last), 0) FROM seals)
"""
# Text is read as bytes: damaged UTF-8 is a finding, not an error of the reader.
_EVENTS: Final = """
    SELECT rowid, CAST(originator_id AS BLOB), originator_version, CAST(topic AS BLOB), state,
           typeof(originator_id) = 'text' AND typeof(originator_version) = 'integer'
           AND typeof(topic) = 'text' AND typeof(state) = 'blob'
    FROM stored_events WHERE rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?
"""
_SEALS: Final = """
    SELECT last, first, digest,
           typeof(first) = 'integer' AND typeof(digest) = 'blob' AND length(digest) = 32
    FROM seals WHERE last BETWEEN ? AND ? ORDER BY last LIMIT ?
"""
# The n-th event of a key, by position, has revision n. Most keys have one event: the index of the
# primary key tells the others without a sort of all rows.
_REVISIONS: Final = """
    SELECT rowid, revision, place FROM (
        SELECT rowid, originator_version AS revision,
               row_number() OVER (PARTITION BY originator_id ORDER BY rowid) AS place
        FROM stored_events
        WHERE originator_id IN (
            SELECT originator_id FROM stored_events GROUP BY originator_id
            HAVING count(*) > 1 OR max(originator_version) <> 1
        )
    )
    WHERE revision <> place ORDER BY rowid LIMIT ?
"""
_TRIGGERS: Final = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"


class Problem(NamedTuple):
    """Something wrong; `position` is the first one concerned, 0 if it is the file as a whole."""

    position: int
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: events and seals read, the digest of the last seal, and what is wrong.

    The problems are sorted by position. A wrong seal is reported at the first position that it
    covers: it tells that some event of its run was changed, not which.
    """

    events: int
    seals: int
    head_digest: bytes | None
    problems: list[Problem]


def verify(log: SQLiteLog) -> Verification:
    """Read the whole log and recompute every seal from the stored bytes.

    Appends may go on meanwhile; what they add is not looked at. Damage is reported, not raised.
    Raise CannotDoError if the file cannot be read for a reason outside it (locked, no access).
    """
    scan = _Scan(log)
    for step in (scan.check_file, scan.check_triggers, scan.check_seals, scan.check_revisions):
        with explained(log.path, "verify the log"):
            try:
                step()
            except (sqlite3.Error, PersistenceError) as error:
                if is_circumstance(error):
                    raise
                scan.report(scan.next, f"the file is damaged, reading stopped here: {error}")
    return Verification(scan.events, scan.seals, scan.head_digest, scan.problems())


class _Scan:
    """The steps of a verification and what they found; two pages of rows are held at a time."""

    def __init__(self, log: SQLiteLog) -> None:
        self._log = log
        self._kept: list[Problem] = []
        self._more = 0
        self.events = 0
        self.seals = 0
        self.head_digest: bytes | None = None
        # The position that the next event should have; 0 before the events are looked at.
        self.next = 0

    def report(self, position: int, what: str) -> None:
        """Keep a problem, or count it when there are too many."""
        if len(self._kept) < PROBLEMS_MAX:
            self._kept.append(Problem(position, what))
        else:
            self._more += 1

    def problems(self) -> list[Problem]:
        """Return what was reported, sorted by position."""
        found = sorted(self._kept)
        if self._more:
            found.append(Problem(found[-1].position, f"and {self._more} more problems"))
        return found

    def check_file(self) -> None:
        """Let SQLite check the structure of its file."""
        for (line,) in self._select("PRAGMA quick_check(10)"):
            if line != "ok":
                self.report(0, f"SQLite finds the file damaged: {line}")

    def check_triggers(self) -> None:
        """Check that the triggers which refuse changes are there, and no others."""
        found = dict(self._select(_TRIGGERS))
        for name in sorted(found.keys() | TRIGGERS.keys()):
            if name not in TRIGGERS:
                self.report(0, f"the trigger {name} is not of this program")
            elif found.get(name) != TRIGGERS[name]:
                self.report(0, f"the trigger {name}, which refuses changes, is missing or altered")

    def check_seals(self) -> None:
        """Check every event and every seal, in one pass over both, as far as the seals go now."""
        ((head, sealed),) = self._select(_EXTENT)
        if head > sealed:
            self.report(sealed + 1, f"the events {sealed + 1} to {head} carry no seal")
        self.next = 1
        stream = _Stream(self._events(sealed))
        previous = GENESIS
        end = 0
        for last, first, digest, typed in self._pages(_SEALS, sealed):
            self.seals += 1
            if first != end + 1 or last < end + 1:
                what = f"a seal over {first} to {last} follows one that ends at {end}"
                self.report(end + 1, what)
            if extend(previous, stream.until(last)) != digest:
                what = f"the events {end + 1} to {last}, or a seal, are not what was appended"
                self.report(end + 1, what)
            end, self.head_digest = last, digest if typed else None
            # A broken seal is reported once more at its successor, which was chained to it.
            previous = digest if typed else GENESIS
        if self.next <= sealed:
            self.report(self.next, f"the events {self.next} to {sealed} are missing")

    def check_revisions(self) -> None:
        """Check that every key has revisions 1, 2, … in the order of their positions."""
        for position, revision, place in self._select(_REVISIONS, (PROBLEMS_MAX + 1,)):
            what = f"revision {revision} of its key stands where revision {place} should"
            self.report(position, what)

    def _events(self, until: int) -> Iterator[StoredEvent]:
        """Yield the events whose columns can be read, reporting whatever is wrong with them."""
        check = EnvelopeCheck()
        for position, key, revision, kind, state, typed in self._pages(_EVENTS, until):
            self.events += 1
            if position != self.next:
                self.report(min(position, self.next), _misplaced(position, self.next))
            self.next = max(position, 0) + 1
            event = _read(position, key, revision, kind, state) if typed else None
            if event is None:
                self.report(position, "its columns do not hold what an event holds")
                continue
            fault = check.fault(event.key, event.kind, event.state)
            if fault:
                self.report(position, fault)
            yield event

    def _select(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with tuples(self._log.recorder.datastore) as cursor:
            return cursor.execute(statement, parameters).fetchall()

    def _pages(self, statement: str, until: int) -> Iterator[tuple[Any, ...]]:
        """Yield rows by their first column, page by page, so that nothing is held open."""
        after = _LOWEST
        while page := self._select(statement, (after, until, _PAGE_ROWS)):
            yield from page
            if page[-1][0] >= until:
                break
            after = page[-1][0] + 1


class _Stream:
    """Events that can be taken run by run."""

    def __init__(self, events: Iterator[StoredEvent]) -> None:
        self._events = events
        self._ahead: StoredEvent | None = None

    def until(self, last: int) -> Iterator[StoredEvent]:
        """Yield the events not yet taken, up to position `last`."""
        while True:
            if self._ahead is None:
                self._ahead = next(self._events, None)
            if self._ahead is None or self._ahead.position > last:
                return
            event, self._ahead = self._ahead, None
            yield event


def _read(
    position: int, key: bytes, revision: int, kind: bytes, state: bytes
) -> StoredEvent | None:
    try:
        return StoredEvent(position, key.decode(), revision, kind.decode(), state)
    except UnicodeDecodeError:
        return None


def _misplaced(position: int, expected: int) -> str:
    if position < 1:
        return f"an event at position {position}; positions begin with 1"
    return f"the events {expected} to {position - 1} are missing"
