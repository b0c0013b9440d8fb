"""How a projection is to be built."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.rules import Rules
from replay.database import Resources

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


@dataclass(frozen=True, slots=True)
class Plan:
    """How a projection is to be built."""

    built_at: datetime
    rules: Rules = field(default_factory=Rules)
    resources: Resources = field(default_factory=Resources)
    as_of: AsOf = field(default_factory=AsOf)
    chunk_events: int = CHUNK_EVENTS
    progress: Progress = silent
