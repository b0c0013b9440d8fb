"""Token buckets: how many requests the exchange puts up with."""

import threading
from typing import Final

from tools.fake_kalshi.clock import Timepiece
from tools.fake_kalshi.markets import TOKENS

COST: Final = 10
_SLOW_TIERS: Final = ("basic", "advanced")


class Bucket:
    """Fills at a steady rate, holds one second of it, and starts full."""

    def __init__(self, clock: Timepiece, tokens_per_second: int) -> None:
        """Count the time by a clock."""
        self._clock = clock
        self._rate = tokens_per_second
        self._tokens = float(tokens_per_second)
        self._at = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, cost: int) -> bool:
        """Take so many tokens out, or tell that there are too few."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._tokens + (now - self._at) * self._rate, self._rate)
            self._at = now
            # Sleeping until a token is due may end a hair too early, by the grain of floats.
            if self._tokens + 1e-6 < cost:
                return False
            self._tokens -= cost
            return True


class Buckets:
    """The buckets of one account: reads, and the balance apart from them."""

    def __init__(self, clock: Timepiece, tier: str, *, balance_apart: bool) -> None:
        """Take the rates of a tier."""
        self._reads = Bucket(clock, TOKENS[tier][0])
        self._balance = Bucket(clock, 1 if tier in _SLOW_TIERS else 5) if balance_apart else None

    def admit(self, path: str) -> bool:
        """Tell whether a request is within the limits, and count it."""
        if self._balance is not None and path == "/portfolio/balance":
            return self._balance.take(1)
        return self._reads.take(COST)
