"""What goes wrong between a right answer and the client, by plan or by luck."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from tools.fake_kalshi.seen import Seen

RETRYABLE: Final = (408, 429, 500, 502, 503, 504)
HTML: Final = b"<!DOCTYPE html><html><body><h1>made: be right back</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. What is not named happens as it should."""

    name: str
    # Answer with this status, an error body, and nothing of the right answer.
    status: int | None = None
    # Answer with this HTML page under the status (200 where none is named).
    html: bool = False
    # Break the connection: before anything is sent, or in the middle of the body.
    reset: bool = False
    midway: bool = False
    # Send only half of the body; say its full length all the same, or not.
    cut: bool = False
    full_length: bool = False
    empty: bool = False
    # Send the body in so many parts, with so long a pause before each.
    parts: int = 1
    pause_seconds: float = 0.0
    # Name the cursor of this very page as that of the next one.
    same_cursor: bool = False


STATUSES: Final = tuple(Fault(f"status {status}", status=status) for status in RETRYABLE)
SLOW_BODY: Final = Fault("slow body", parts=5, pause_seconds=0.05)
CUT_JSON: Final = Fault("cut JSON, length of what is sent", cut=True)
CUT_BODY: Final = Fault("cut body, length of the whole", cut=True, full_length=True)
HTML_200: Final = Fault("HTML page with status 200", html=True)
HTML_502: Final = Fault("HTML page with status 502", html=True, status=502)
RESET: Final = Fault("connection reset before the answer", reset=True)
RESET_MIDWAY: Final = Fault("connection reset in the middle of the body", reset=True, midway=True)
EMPTY_BODY: Final = Fault("empty body", empty=True)
REPEATED_CURSOR: Final = Fault("repeated cursor", same_cursor=True)

PASSING: Final = (
    *STATUSES,
    SLOW_BODY,
    CUT_JSON,
    CUT_BODY,
    HTML_200,
    HTML_502,
    RESET,
    RESET_MIDWAY,
    EMPTY_BODY,
)
FAULTS: Final = (*PASSING, REPEATED_CURSOR)

Script: TypeAlias = Mapping[int, Fault] | Callable[[Seen], Fault | None]


class FaultPlan:
    """Which request fails how: what the script says, else what the seed draws at a rate.

    Faults that are drawn never come more often in a row than `at_most_in_a_row`, so that a client
    that tries again gets through.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        rate: float = 0.0,
        seed: int = 0,
        choices: Sequence[Fault] = PASSING,
        at_most_in_a_row: int = 2,
    ) -> None:
        """Plan nothing, unless a script or a rate is given."""
        self._script: Script = {} if script is None else script
        self._rate = rate
        self._choices = tuple(choices)
        self._at_most = at_most_in_a_row
        self._random = random.Random(seed)  # noqa: S311 - the same faults for the same seed
        self._in_a_row = 0
        self._lock = threading.Lock()

    def fault(self, seen: Seen) -> Fault | None:
        """Return how this request fails; None if it does not."""
        script = self._script
        said = script(seen) if callable(script) else script.get(seen.number)
        if said is not None:
            return said
        with self._lock:
            drawn = self._rate > 0 and self._random.random() < self._rate
            if not drawn or self._in_a_row >= self._at_most:
                self._in_a_row = 0
                return None
            self._in_a_row += 1
            return self._random.choice(self._choices)
