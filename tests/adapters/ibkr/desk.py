"""A desk with a gateway on it: a real client, a real log, and a clock that only goes when asked."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

from adapters.ibkr.asking import Asked
from adapters.ibkr.connection import Address, Limits
from adapters.ibkr.session import Plan, Session, begun
from adapters.log.sqlite import SQLiteLog
from adapters.taking import Census
from domain.event import header, payload_bytes
from tests.fakes.gateway import CommissionReport, Execution, Gateway, World, stock

ACCOUNT: Final = "DU1234567"
OTHER: Final = "DU7654321"
MORNING: Final = datetime(2026, 1, 5, 15, tzinfo=UTC)
NOON: Final = datetime(2026, 1, 5, 20, 30, tzinfo=UTC)
# Long for a loopback, short for a test that waits for it.
SHORT: Final = Limits(open=0.3, answer=0.3)
PATIENT: Final = Limits(open=10, answer=10)


def executed(number: int, **changes: Any) -> Execution:  # noqa: ANN401 - as they are given
    """Return an execution; its number is its minute, its quantity and its order."""
    given: dict[str, Any] = {
        "exec_id": f"0000e0d5.6a59af{number:02x}.01.01",
        "contract": stock(),
        "at": MORNING + timedelta(minutes=number),
        "shares": str(number),
        "perm_id": str(1000 + number),
    }
    return Execution(**(given | changes))


def filled(*numbers: int, **changes: Any) -> World:  # noqa: ANN401 - as they are given
    """Return a world with executions, each with its commission."""
    world = World(**changes)
    for number in numbers:
        world.fill(executed(number))
    return world


def reported(number: int, **changes: Any) -> CommissionReport:  # noqa: ANN401 - as they are given
    """Return the commission of an execution."""
    return CommissionReport(executed(number).exec_id, **changes)


@dataclass(slots=True)
class Desk:
    """One book's log and one way to the gateway."""

    gateway: Gateway
    log: SQLiteLog
    plan: Plan
    said: list[str] = field(default_factory=list)
    census: Census = field(default_factory=Census)
    ticks: Iterator[int] = field(default_factory=count)
    happened: Callable[[], None] = lambda: None
    """Is told whenever something was said or recorded."""

    def tell(self, line: str) -> None:
        """Note what is said to people."""
        self.said.append(line)
        self.happened()

    def now(self) -> datetime:
        """Return the time: a millisecond later whenever somebody looks."""
        return NOON + timedelta(milliseconds=next(self.ticks))

    def connect(self, **changes: Any) -> AbstractAsyncContextManager[Session]:  # noqa: ANN401 - as they are given
        """Return a connection to the gateway."""
        plan = replace(self.plan, **changes)
        return begun(
            plan,
            self.log,
            self.census,
            tell=self.tell,
            now=self.now,
            heard=lambda _message, _account: self.happened(),
        )

    def ask(self, **changes: Any) -> Asked:  # noqa: ANN401 - as they are given
        """Ask everything once, over a connection of its own."""

        async def work() -> Asked:
            async with self.connect(**changes) as session:
                return await session.ask()

        return asyncio.run(work())

    def during(self, happening: Callable[[], None], **changes: Any) -> Asked:  # noqa: ANN401 - as they are given
        """Ask everything, while something happens in another thread; then hang up."""

        async def work() -> Asked:
            async with self.connect(**changes) as session:
                asking = asyncio.create_task(session.ask())
                await asyncio.to_thread(happening)
                return await asking

        return asyncio.run(work())

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return the payloads of a kind as they lie in the log, all revisions."""
        return [json.loads(payload_bytes(state)) for _, state in self.stored(kind)]

    def envelopes(self, kind: str) -> list[dict[str, Any]]:
        """Return the envelopes of a kind, without the payloads."""
        return [header(state) for _, state in self.stored(kind)]

    def keys(self, kind: str) -> list[str]:
        """Return the last part of the keys of a kind."""
        return [key.rpartition("|")[2] for key, _ in self.stored(kind)]

    def stored(self, kind: str) -> list[tuple[str, bytes]]:
        """Return key and state of the events of a kind."""
        return [
            (row["key"], row["state"])
            for batch in self.log.batches(0, self.log.head())
            for row in batch.to_pylist()
            if row["kind"] == kind
        ]

    def fetches(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return what the last fetch of each stream told, by account and stream."""
        told = {}
        for key, state in self.stored("ledger.fetch"):
            payload = json.loads(payload_bytes(state))
            told[key.split("|")[1], payload["stream"]] = payload
        return told


@contextmanager
def desk(folder: Path, world: World | None = None, **knobs: Any) -> Iterator[Desk]:  # noqa: ANN401 - as they are given
    """Give a gateway that serves a world, and a paper book beside it."""
    with (
        Gateway(world, **knobs) as gateway,
        SQLiteLog.open(folder / "log.sqlite", create=not (folder / "log.sqlite").exists()) as log,
    ):
        address = Address(port=gateway.port)
        yield Desk(gateway, log, Plan(address, "paper", PATIENT, reports_seconds=0))
