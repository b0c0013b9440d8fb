"""What can go wrong with the answer to one request."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Silence:
    """The request is never answered."""


@dataclass(frozen=True)
class Hold:
    """The answer waits until the gateway is told to release it."""


@dataclass(frozen=True)
class Refuse:
    """An error takes the place of the answer."""

    code: int
    text: str


@dataclass(frozen=True)
class Drop:
    """The socket closes after some messages of the answer, and some bytes of the next."""

    after_messages: int = 0
    after_bytes: int = 0


Fault: TypeAlias = Silence | Hold | Refuse | Drop


@dataclass
class Rule:
    """A fault for requests of one kind: how many it lets pass first, and how many it then hits."""

    kind: int
    fault: Fault
    skip: int = 0
    times: int | None = None

    def hits(self, kind: int) -> bool:
        """Count a request, and say whether the fault happens to it."""
        if kind != self.kind or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True
