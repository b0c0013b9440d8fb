"""From the rows of an answer to events of the log, and to a first look at their shapes.

Rows are appended as they came, before anything interprets them. What stands on a page where no
importer knows a place for it is appended too, as `kalshi.page`.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from adapters.kalshi.answers import Answer
from adapters.kalshi.streams import ADAPTER, BROKER
from adapters.log.appending import Appended
from domain import jsontext
from domain.event import EVERYTHING, Asked, NewEvent, Origin, Owner, make_event, time_text
from domain.jsontext import Slice
from domain.kinds import BY_NAME, PAGE, Kind, identity_of
from domain.shapes import Choice, choose, shape_entries, shape_of

# Every row carries it; a request for a hundred markets names them all.
_REQUEST_LENGTH: Final = 200


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
class Taker:
    """Takes the rows of one fetch."""

    sink: Sink
    owner: Owner
    dry_run: bool = False
    sightings: dict[tuple[str, str, str], Sighting] = field(default_factory=dict)

    def piece(
        self,
        answer: Answer,
        document: str,
        *,
        as_of: datetime | None = None,
        asked: Asked = EVERYTHING,
    ) -> Piece:
        """Return what the rows of an answer have in common; `document` names fetch and page."""
        origin = Origin(
            owner=self.owner,
            venue=BROKER,
            received_at=answer.received_at,
            source={
                "adapter": ADAPTER,
                "document": document,
                "request": answer.request[:_REQUEST_LENGTH],
            },
        )
        return Piece(origin, answer.request.partition("?")[0], as_of, asked)

    def take(self, kind_name: str, rows: Sequence[Slice], piece: Piece) -> Appended:
        """Append rows of one kind: when this returns they are on the disk, all of them."""
        kind = BY_NAME[kind_name]
        seen: Counter[str] = Counter()
        events = [self._event(kind, row, piece, seen) for row in rows]
        return self.sink.append(events, dry_run=self.dry_run)

    def take_beside(self, beside: Mapping[str, str], piece: Piece) -> None:
        """Append what stood on a page beside its rows, if anything did."""
        if beside:
            # in ASCII: a name may hold half of a character, which JSON can spell and UTF-8 cannot
            told = ",".join(f"{json.dumps(name)}:{text}" for name, text in beside.items())
            text = f'{{"endpoint":{json.dumps(piece.endpoint)},"members":{{{told}}}}}'
            self.take(PAGE, [Slice(jsontext.parse(text), text)], piece)

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

    def drifted(self) -> list[Sighting]:
        """Return the shapes that are new or not understood, in the order in which they came."""
        return [one for one in self.sightings.values() if one.choice.status != "known"]


def _choice(kind: Kind, value: object) -> Choice:
    """Choose as a rebuild will; what is unusual whatever its shape is of no known page."""
    if kind.fact is None:
        known = kind.expected
        return Choice("known", None, None) if known else Choice("unknown", None, "unknown_page")
    return choose(kind.readers, shape_entries(value))
