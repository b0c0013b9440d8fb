"""What an append writes: which events are new, which are revisions, which are duplicates."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from adapters.log.envelope import EnvelopeCheck
from domain import jsontext
from domain.errors import UsageError
from domain.event import NewEvent, header, payload_bytes, same_content

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
    if an older revision has, and nothing but what is known is being told again (`_Known.repeats`).
    A document that says A, B and A again is three revisions when it is first taken in.
    """
    decision = Decision()
    known: dict[str, _Known] = {}
    added: dict[str, tuple[int, bytes]] = {}
    for key, kind, state in events:
        if key not in known:
            known[key] = _Known(key, history)
        newest = added.get(key) or known[key].newest
        if newest is None:
            decision.new += 1
            revision = 1
        elif _same(state, newest[1]) or known[key].repeats(state):
            decision.duplicates += 1
            continue
        else:
            decision.revisions += 1
            revision = newest[0] + 1
        decision.rows.append((key, revision, kind, state))
        added[key] = (revision, state)
    return decision


class _Known:
    """What the log holds of a key; what is behind the newest revision is read once, if at all."""

    def __init__(self, key: str, history: History) -> None:
        self._key, self._history = key, history
        self.newest = next(history(key), None)

    def repeats(self, state: bytes) -> bool:
        """Tell whether an event that says something old comes in once more.

        Its document must have brought what it says, or something later, in an earlier append: the
        document is being taken in again. Of a document that grows by lines, this line or a later
        one must have: the others are news. A line that was recorded before the newest revision,
        in another document, is no news either.
        """
        place = _Place.of(state)
        if self._places and place.is_before(self._places[0]):
            seen = 0
        else:
            taken_in = self._taken_in.get(place.document, ())
            found = (nth for line, nth in taken_in if place.line is None or line >= place.line)
            seen = next(found, len(self._states))
        return seen < len(self._states) and self._first.get(_content(state), -1) >= seen

    @cached_property
    def _states(self) -> list[bytes]:
        return [state for _, state in self._history(self._key)]

    @cached_property
    def _places(self) -> list["_Place"]:
        return [_Place.of(state) for state in self._states]

    @cached_property
    def _taken_in(self) -> dict[object, list[tuple[int, int]]]:
        """For each document its lines, and how many revisions came behind each, if none is later.

        Growing lines only, from the newest revision to the oldest.
        """
        found: dict[object, list[tuple[int, int]]] = {}
        for nth, place in enumerate(self._places):
            lines = found.setdefault(place.document, [])
            if not lines or (place.line or 0) > lines[-1][0]:
                lines.append((place.line or 0, nth))
        return found

    @cached_property
    def _first(self) -> dict[bytes, int]:
        """For each content how many revisions came behind the first that had it."""
        return {_content(state): nth for nth, state in enumerate(self._states)}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an event came from, as far as its source says."""

    document: object
    line: int | None
    recorded_at: datetime | None

    @classmethod
    def of(cls, state: bytes) -> "_Place":
        told = header(state).get("source")
        source = told if isinstance(told, dict) else {}
        line, moment = source.get("line"), source.get("recorded_at")
        return cls(
            source.get("document"),
            line if isinstance(line, int) else None,
            _moment(moment) if isinstance(moment, str) else None,
        )

    def is_before(self, other: "_Place") -> bool:
        """Tell whether it was recorded earlier; in one document the lines tell, not a clock."""
        if self.document == other.document or self.recorded_at is None:
            return False
        return other.recorded_at is not None and self.recorded_at < other.recorded_at


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def _same(one: bytes, other: bytes) -> bool:
    try:
        return same_content(one, other)
    except ValueError:
        # Not JSON, and not the same bytes: nothing more can be compared.
        return False


def _content(state: bytes) -> bytes:
    """Return what two states share exactly if `_same` is true of them."""
    payload = payload_bytes(state)
    try:
        return jsontext.canonical(jsontext.parse(payload.decode())).encode("utf-8", "surrogatepass")
    except ValueError:
        return payload
