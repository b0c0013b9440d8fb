"""Following: what is pushed as it is pushed, and the questions again at times, until told to stop.

A push that comes while nobody is connected never comes again, but the gateway still answers for the
whole of its day. So everything is asked again

1. each time that a connection opens;
2. when the gateway was cut off from IBKR and is not any more;
3. shortly before midnight of the gateway's day, when it forgets the executions of the day;
4. at regular times, and then mostly executions and open orders alone.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.ibkr.asking import Asked, next_midnight
from adapters.ibkr.errors import GatewayError
from adapters.ibkr.session import Session

_CONNECTED: Final = "connected"
_REGULAR: Final = "regular"


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait, in seconds.

    listening        before looking whether to stop
    catch_up         between two regular rounds of questions
    fully            between two rounds that ask everything
    again            behind a round that did not get everything, longer and longer
    before_midnight  how long before the end of the gateway's day the last round of it begins
    first, longest   between two attempts to connect
    lasting          how long a connection must have lasted for the attempts to begin anew
    """

    listening: float = 1
    catch_up: float = 900
    fully: float = 3600
    again: float = 60
    before_midnight: float = 120
    first: float = 1
    longest: float = 60
    lasting: float = 300


DEFAULT: Final = Pauses()


@dataclass(slots=True)
class Following:
    """Stays connected until it is told to stop.

    connect   opens a connection, a new one each time
    caught_up is told what each round came to, and why it was asked
    tell      is told what happens, for people
    stop      is asked about once a second
    """

    connect: Callable[[], AbstractAsyncContextManager[Session]]
    caught_up: Callable[[Asked, str], Awaitable[None]]
    tell: Callable[[str], None]
    stop: Callable[[], bool]
    now: Callable[[], datetime]
    zones: frozenset[str]
    pauses: Pauses = DEFAULT
    jitter: Callable[[], float] = random.random
    connections: int = 0
    rounds: int = 0
    failures: int = 0
    """In a row: since a connection that lasted, and was good for a whole round of questions."""
    misses: int = 0
    """Rounds in a row that did not get everything."""
    trouble: str | None = None
    """Why there was no connection, when last there was none."""

    async def run(self) -> None:
        """Follow until told to stop. Raise whatever is no trouble of the gateway's."""
        following = asyncio.create_task(self._follow())
        while not following.done():
            await asyncio.wait({following}, timeout=self.pauses.listening)
            if self.stop() and not following.done():
                following.cancel()
                await asyncio.wait({following})
        if not following.cancelled():
            following.result()

    async def _follow(self) -> None:
        while True:
            try:
                async with self.connect() as session:
                    self.connections += 1
                    await self._listen(session)
            except GatewayError as error:
                self.trouble = str(error).rstrip(".")
                self.failures += 1
                ceiling = self.pauses.first * 2.0 ** min(self.failures - 1, 16)
                seconds = min(ceiling, self.pauses.longest) * self.jitter()
                self.tell(f"{self.trouble}; connecting again in {seconds:.1f} s")
                await asyncio.sleep(seconds)

    async def _listen(self, session: Session) -> None:
        loop = asyncio.get_running_loop()
        opened, reason, full_until = loop.time(), _CONNECTED, 0.0
        while True:
            fully = reason != _REGULAR or loop.time() >= full_until
            begun = loop.time()
            asked = await self._catch_up(session, reason, fully=fully)
            self.misses = 0 if asked.complete else self.misses + 1
            # what is never answered is no reason to record the rest over and over
            if fully and self.misses != 1:
                full_until = begun + self.pauses.fully
            reason = await self._wait(session, asked)
            if asked.complete and loop.time() - opened >= self.pauses.lasting:
                self.failures = 0
            if session.connection.lost.done():
                session.connection.lost.result()

    async def _wait(self, session: Session, asked: Asked) -> str:
        """Wait until it is time to ask again, or the connection is lost, and return why.

        A clock that is put back delays nothing: the pause is over by its own length too.
        """
        loop, connection = asyncio.get_running_loop(), session.connection
        due, reason = self._due(asked)
        longest = loop.time() + (due - self.now()).total_seconds()
        while self.now() < due and not connection.lost.done():
            left = min((due - self.now()).total_seconds(), longest - loop.time())
            if left <= 0:
                break
            if connection.restored:
                return "the gateway has IBKR again"
            await asyncio.wait({connection.lost}, timeout=min(left, self.pauses.listening))
        return reason

    async def _catch_up(self, session: Session, reason: str, *, fully: bool) -> Asked:
        session.connection.restored = False
        asked = await session.ask(fully=fully)
        self.rounds += 1
        await self.caught_up(asked, reason)
        return asked

    def _due(self, asked: Asked) -> tuple[datetime, str]:
        """Return when to ask again, and why."""
        now = self.now()
        pause = self.pauses.catch_up
        if not asked.complete:
            doubled = 2.0 ** min(max(self.misses - 1, 0), 16)
            pause = min(self.pauses.again * doubled, max(pause, self.pauses.again))
        regular = now + timedelta(seconds=pause)
        ahead = timedelta(seconds=self.pauses.before_midnight)
        lasts = [next_midnight(now, zone) - ahead for zone in self.zones]
        last = min((at for at in lasts if at > now), default=regular)
        if last < regular:
            return last, "before the gateway's day ends"
        return regular, _REGULAR
