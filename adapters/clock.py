"""The one source of time of the adapters; tests put a simulated one in its place."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Clock:
    """What the time is, how long something took, and waiting.

    now        the time of day, in UTC
    monotonic  seconds that never go back; only differences mean something
    sleep      waits that many seconds
    """

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


def _now() -> datetime:
    return datetime.now(UTC)


SYSTEM: Final = Clock(now=_now, monotonic=time.monotonic, sleep=time.sleep)
