"""From the rows of an answer to events, and to a first look at their shapes.

Rows become events as they came, before anything interprets them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from adapters.log.appending import Appended
from domain.event import EVERYTHING, Asked, NewEvent, Origin, make_event, time_text
from domain.jsontext import Slice
from domain.kinds import BY_NAME, Kind, identity_of
from domain.shapes import Choice, choose, shape_entries, shape_of


class Sink(Protocol):
    """Where events go: an event log."""

    def append(self, events: Sequence[NewEvent], *, dry_run: bool = False) -> Appended:
        """Append what is not there yet, all of it or nothing."""
        ...


@dataclass(slots=True)
class Sighting:
    """A shape that came in this fetch: how often, from where, and what reader takes it."""

    kind: str
    shape: str
    endpoint: str
    choice: Choice
    first_key: str
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """What all rows of one answer have in common."""

    origin: Origin
    endpoint: str
    as_of: datetime | None = None
    asked: Asked = EVERYTHING


@dataclass(slots=True)
class Census:
    """Makes events out of rows, and remembers the shapes that it met."""

    sightings: dict[tuple[str, str, str], Sighting] = field(default_factory=dict)

    def events(self, kind_name: str, rows: Sequence[Slice], piece: Piece) -> list[NewEvent]:
        """Return the events of rows of one kind, out of one answer."""
        kind = BY_NAME[kind_name]
        seen: Counter[str] = Counter()
        return [self._event(kind, row, piece, seen) for row in rows]

    def drifted(self) -> list[Sighting]:
        """Return the shapes that are new or not understood, in the order in which they came."""
        return [one for one in self.sightings.values() if one.choice.status != "known"]

    def _event(self, kind: Kind, row: Slice, piece: Piece, seen: Counter[str]) -> NewEvent:
        as_of_text = None if piece.as_of is None else time_text(piece.as_of)
        identity = identity_of(kind, row.value, as_of_text=as_of_text, asked=piece.asked)
        seen[identity] += 1
        if "content-" in identity and seen[identity] > 1:
            # no id of its own: equal rows of one answer are told apart by their number
            identity = identity_of(
                kind, row.value, as_of_text=as_of_text, asked=piece.asked, nth=seen[identity]
            )
        shape = shape_of(row.value)
        event = make_event(
            piece.origin,
            kind.name,
            identity,
            shape,
            row.text,
            as_of=piece.as_of,
            asked=piece.asked,
        )
        self._see(kind, shape, row.value, event.key, piece.endpoint)
        return event

    def _see(self, kind: Kind, shape: str, value: object, key: str, endpoint: str) -> None:
        place = (kind.name, shape, endpoint)
        if place not in self.sightings:
            choice = _choice(kind, value)
            self.sightings[place] = Sighting(kind.name, shape, endpoint, choice, key)
        self.sightings[place].rows += 1


def _choice(kind: Kind, value: object) -> Choice:
    """Choose as a rebuild will; what is unusual whatever its shape is of no known page."""
    if kind.fact is None:
        known = kind.expected
        return Choice("known", None, None) if known else Choice("unknown", None, "unknown_page")
    return choose(kind.readers, shape_entries(value))
