"""The first position at which something fails, found by asking as few positions as can be.

It takes for granted that what fails does so once and for all: between a position where it holds and
a later one where it fails there is one turn, or one of several is found.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """Where it turns: it holds at `bad` - 1, and fails at `bad`. `probes` positions were asked."""

    bad: int
    probes: int


def first_failure(good: int, bad: int, fails: Callable[[int], bool]) -> Turn:
    """Return the turn between a position where it holds and a later one where it fails.

    Both ends are known, so at most ceil(log2(bad - good)) positions between them are asked.
    """
    assert good < bad, (good, bad)
    probes = 0
    while bad - good > 1:
        middle = (good + bad) // 2
        probes += 1
        if fails(middle):
            bad = middle
        else:
            good = middle
    return Turn(bad, probes)


def most_probes(good: int, bad: int) -> int:
    """Return how many positions between two ends are asked at most."""
    return (bad - good - 1).bit_length()
