"""What a task says when it is done."""

from typing import NamedTuple


class Took(NamedTuple):
    """Seconds of the part that counts, events that it worked on, and the figures it came to."""

    seconds: float
    events: int
    figures: dict[str, str | int | float] = {}  # noqa: RUF012 - never written to
