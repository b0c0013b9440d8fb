"""How a projection is to be built."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.rules import Rules
from replay.database import Resources
from replay.ports import Segments

CHUNK_EVENTS: Final = 120_000

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """How much of the log counts; by default all of it.

    position   events up to this one: what the log held then
    received   events that had been received by then (UTC): what was known then
    happened   facts that had happened by then (UTC), by the broker's own time of each
    """

    position: int | None = None
    received: datetime | None = None
    happened: datetime | None = None

    def __str__(self) -> str:
        """Return it as a projection file says it: such as 'position 500', '' for all of it."""
        told = [
            "" if self.position is None else f"position {self.position}",
            "" if self.received is None else f"received {self.received.isoformat()}",
            "" if self.happened is None else f"happened {self.happened.isoformat()}",
        ]
        return ", ".join(filter(None, told))


@dataclass(frozen=True, slots=True)
class Plan:
    """How a projection is to be built.

    segments   what is kept of the log, to be read instead; the tables are the same
    """

    built_at: datetime
    rules: Rules = field(default_factory=Rules)
    resources: Resources = field(default_factory=Resources)
    as_of: AsOf = field(default_factory=AsOf)
    chunk_events: int = CHUNK_EVENTS
    progress: Progress = silent
    segments: Segments | None = None
