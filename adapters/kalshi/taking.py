"""From the rows of an answer to events of the log.

What stands on a page where no importer knows a place for it is appended too, as `kalshi.page`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from adapters.kalshi.answers import Answer
from adapters.kalshi.streams import ADAPTER, BROKER
from adapters.log.appending import Appended
from adapters.taking import Census, Piece, Sighting, Sink
from domain import jsontext
from domain.event import EVERYTHING, Asked, Origin, Owner
from domain.jsontext import Slice
from domain.kinds import PAGE

# Every row carries it; a request for a hundred markets names them all.
_REQUEST_LENGTH: Final = 200


@dataclass(slots=True)
class Taker:
    """Takes the rows of one fetch."""

    sink: Sink
    owner: Owner
    dry_run: bool = False
    census: Census = field(default_factory=Census)

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
        events = self.census.events(kind_name, rows, piece)
        return self.sink.append(events, dry_run=self.dry_run)

    def take_beside(self, beside: Mapping[str, str], piece: Piece) -> None:
        """Append what stood on a page beside its rows, if anything did."""
        if beside:
            # in ASCII: a name may hold half of a character, which JSON can spell and UTF-8 cannot
            told = ",".join(f"{json.dumps(name)}:{text}" for name, text in beside.items())
            text = f'{{"endpoint":{json.dumps(piece.endpoint)},"members":{{{told}}}}}'
            self.take(PAGE, [Slice(jsontext.parse(text), text)], piece)

    def drifted(self) -> list[Sighting]:
        """Return the shapes that are new or not understood, in the order in which they came."""
        return self.census.drifted()
