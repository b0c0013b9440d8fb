"""Time for the made exchange: the real one, or one that only moves when it is told to."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Timepiece(Protocol):
    """What the exchange asks of a clock."""

    def now(self) -> datetime:
        """Return the time of day, with its zone."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Let that much time go by."""
        ...


class RealClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        time.sleep(seconds)


class SimulatedClock:
    """A clock that several threads share; sleeping moves it on at once."""

    def __init__(self, start: datetime) -> None:
        """Start at a moment, which names its zone."""
        if start.tzinfo is None:
            raise ValueError(f"{start}: a clock starts at a time with a zone")
        self._start = start
        self._gone = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the simulated time of day."""
        with self._lock:
            return self._start + self._gone

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        with self._lock:
            return self._gone.total_seconds()

    def sleep(self, seconds: float, /) -> None:
        """Move on by so many seconds, without waiting."""
        self.advance(timedelta(seconds=max(seconds, 0)))

    def advance(self, by: timedelta) -> None:
        """Move on."""
        if by < timedelta():
            raise ValueError(f"{by}: a clock does not run backwards")
        with self._lock:
            self._gone += by
