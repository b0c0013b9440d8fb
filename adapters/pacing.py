"""Pacing: as many requests as the other side allows, and not one more."""

from adapters.clock import Clock


class Bucket:
    """A bucket of tokens that fills at a steady rate; a request takes some out, or waits for them.

    It starts full. For one thread.
    """

    def __init__(self, tokens_per_second: float, capacity: float, clock: Clock) -> None:
        """Fill the bucket. `capacity` is the most that can be taken at once."""
        self.waited_seconds = 0.0
        self._clock = clock
        self._rate, self._capacity = _checked(tokens_per_second, capacity)
        self._level = capacity
        self._filled_at = clock.monotonic()

    def take(self, tokens: float) -> None:
        """Take tokens out; sleep until they are there."""
        if not 0 < tokens <= self._capacity:
            raise ValueError(f"{tokens} tokens from a bucket that holds {self._capacity}")
        self._fill()
        # Below zero is what the sleep pays back.
        self._level -= tokens
        if self._level < 0:
            seconds = -self._level / self._rate
            self.waited_seconds += seconds
            self._clock.sleep(seconds)

    def wait_seconds(self, tokens: float) -> float:
        """Return how long taking tokens out now would wait for them."""
        self._fill()
        return max(tokens - self._level, 0) / self._rate

    def change(self, tokens_per_second: float, capacity: float) -> None:
        """Fill at another rate from now on. What was taken stays taken."""
        self._fill()
        self._rate, self._capacity = _checked(tokens_per_second, capacity)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        filled = self._level + (now - self._filled_at) * self._rate
        self._level = min(filled, self._capacity)
        self._filled_at = now


def _checked(tokens_per_second: float, capacity: float) -> tuple[float, float]:
    if not (tokens_per_second > 0 and capacity > 0):
        raise ValueError(f"{tokens_per_second} tokens a second, {capacity} at once: not above 0")
    return tokens_per_second, capacity
