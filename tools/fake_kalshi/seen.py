"""A request as the exchange saw it."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Seen:
    """One request, counted from 1; its path is below the base.

    The status is None until an answer is on its way, and stays so where none was sent.
    """

    number: int
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    status: int | None = None
