"""Hypothesis as the suite needs it: the same examples on every run, nothing left on disk."""

from typing import Final

from hypothesis import settings

DETERMINISTIC: Final = settings(derandomize=True, database=None, deadline=None, max_examples=100)


def load() -> None:
    """Make it the profile of this test session."""
    settings.register_profile("deterministic", DETERMINISTIC)
    settings.load_profile("deterministic")
