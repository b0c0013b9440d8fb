"""Hypothesis as the suite needs it, and how thorough a run is.

`make test` runs the same examples every time and leaves nothing on disk; `make nightly` (it sets
BROKERTRUTH_TESTS=nightly) runs many more, with seeds and simulated days to match.
"""

import os
from typing import Final, TypeVar

from hypothesis import settings

NIGHTLY: Final = os.environ.get("BROKERTRUTH_TESTS") == "nightly"

DETERMINISTIC: Final = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=1000 if NIGHTLY else 100,
)

Amount = TypeVar("Amount")


def load() -> None:
    """Make it the profile of this test session."""
    settings.register_profile("deterministic", DETERMINISTIC)
    settings.load_profile("deterministic")


def thorough(usual: Amount, nightly: Amount) -> Amount:
    """Return how much of something a run does."""
    return nightly if NIGHTLY else usual
