"""What an append writes: which events are new, which are revisions, which are duplicates."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from adapters.log.envelope import EnvelopeCheck
from domain.errors import UsageError
from domain.event import NewEvent, document, same_content

# Key, revision, kind, state: what a store keeps of an event, beside the position that it gives.
StoredRow = tuple[str, int, str, bytes]
# Gives the revision and the state of every stored event of a key, the newest first.
History = Callable[[str], Iterator[tuple[int, bytes]]]


@dataclass(frozen=True, slots=True)
class Appended:
    """What one append did, in events; the positions are None when nothing was written."""

    new: int
    revisions: int
    duplicates: int
    first_position: int | None
    last_position: int | None


@dataclass(slots=True)
class Decision:
    """The rows to write, in order, and what they are."""

    rows: list[StoredRow] = field(default_factory=list)
    new: int = 0
    revisions: int = 0
    duplicates: int = 0

    def appended(self, last: int | None) -> Appended:
        """Say what was done; `last` is the position of the last row, None if none was written."""
        first = None if last is None else last - len(self.rows) + 1
        return Appended(self.new, self.revisions, self.duplicates, first, last)


def refuse_malformed(events: Sequence[NewEvent]) -> None:
    """Raise UsageError if an event is not one that the log could verify for ever after."""
    check = EnvelopeCheck()
    for number, (key, kind, state) in enumerate(events, 1):
        fault = check.fault(key, kind, state)
        if fault:
            message = (
                f"event {number} of {len(events)}: {fault}; nothing was written, "
                "correct what made this event"
            )
            raise UsageError(message)


def all_new(events: Sequence[NewEvent]) -> Decision:
    """Decide for events whose keys are not in the log and not twice among themselves."""
    return Decision([(key, 1, kind, state) for key, kind, state in events], new=len(events))


def decide(events: Sequence[NewEvent], history: History) -> Decision:
    """Decide, in order, what each event is against the log and the events before it.

    An event is a duplicate if the newest revision of its key has the same content. It is also one
    if an older revision has, and in an earlier append the event's document wrote that revision or
    a later one: the document is being taken in again, which changes nothing. A document that says
    A, B and A again is three revisions when it is first taken in.
    """
    decision = Decision()
    added: dict[str, tuple[int, bytes]] = {}
    for key, kind, state in events:
        before = history(key)
        newest = added[key] if key in added else next(before, None)
        if newest is None:
            decision.new += 1
            revision = 1
        elif _same(state, newest[1]) or _is_retry(
            state, before if key in added else chain((newest,), before)
        ):
            decision.duplicates += 1
            continue
        else:
            decision.revisions += 1
            revision = newest[0] + 1
        decision.rows.append((key, revision, kind, state))
        added[key] = (revision, state)
    return decision


def _is_retry(state: bytes, before: Iterator[tuple[int, bytes]]) -> bool:
    """Tell whether an event that says something old only repeats its document.

    `before` are the revisions in the log, the newest first.
    """
    came_in = document(state)
    taken_in = False
    for _, other in before:
        taken_in = taken_in or document(other) == came_in
        if taken_in and _same(state, other):
            return True
    return False


def _same(one: bytes, other: bytes) -> bool:
    try:
        return same_content(one, other)
    except ValueError:
        # Not JSON, and not the same bytes: nothing more can be compared.
        return False
