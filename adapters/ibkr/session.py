"""A connection with somebody who writes down what it tells, as it tells it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.ibkr.asking import Asked, Asking
from adapters.ibkr.connection import DEFAULT, Address, Connection, Limits, connected
from adapters.ibkr.payloads import Message
from adapters.ibkr.recording import Log, Recorder
from adapters.taking import Census

NEW_YORK: Final = "America/New_York"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to talk to a gateway.

    mode             live or paper: no account of another mode is recorded
    gateway_zone     the zone of times that name none; None where nobody has said it
    day_zone         in which its day begins: at midnight it forgets the executions. Where the two
                     differ nobody knows which of them the gateway means, and both count
    reports_seconds  how long to wait for commission reports that come late
    batch_seconds    how long to gather messages before they are appended together
    """

    address: Address
    mode: str
    limits: Limits = DEFAULT
    gateway_zone: str | None = None
    day_zone: str = NEW_YORK
    reports_seconds: float = 10
    batch_seconds: float = 0.005
    dry_run: bool = False

    @property
    def zones(self) -> frozenset[str]:
        """Return the zones at whose midnight the gateway may forget the executions."""
        return frozenset({self.day_zone, self.gateway_zone or self.day_zone})


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection and its recorder."""

    plan: Plan
    connection: Connection
    recorder: Recorder

    async def ask(self, *, fully: bool = True) -> Asked:
        """Ask once: everything, or executions and open orders alone."""
        plan = self.plan
        asking = Asking(self.connection, self.recorder, plan.zones, plan.reports_seconds)
        return await asking.run(fully=fully)


@asynccontextmanager
async def begun(
    plan: Plan,
    log: Log,
    census: Census,
    *,
    tell: Callable[[str], None],
    now: Callable[[], datetime],
    heard: Callable[[Message, str], None] | None = None,
) -> AsyncIterator[Session]:
    """Connect and record. Raise GatewayError where there is no connection."""
    recorder = Recorder(log, plan.mode, plan.gateway_zone, census, now(), dry_run=plan.dry_run)
    if heard is not None:
        recorder.heard = heard
    loop, session = asyncio.get_running_loop(), None
    due: list[asyncio.TimerHandle] = []

    def hear(message: Message) -> None:
        recorder.hear(message)
        if session is not None and not due:
            due.append(loop.call_later(plan.batch_seconds, write))

    def write() -> None:
        due.clear()
        assert session is not None, "nothing is due before"
        try:
            recorder.flush()
        except Exception as error:  # noqa: BLE001 - a callback can raise to nobody
            if session.connection.lost.done():
                tell(str(error))
            session.connection.lose(error)

    zone = plan.gateway_zone or plan.day_zone
    async with connected(
        plan.address, plan.limits, zone=zone, hear=hear, tell=tell, now=now
    ) as connection:
        session = Session(plan, connection, recorder)
        recorder.serve(connection.accounts)
        try:
            yield session
        finally:
            for timer in due:
                timer.cancel()
            recorder.flush()
            if left := recorder.ownership.left():
                tell(f"not recorded, because nobody said whose they are: {left}")
