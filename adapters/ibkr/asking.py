"""One round of questions: executions, positions, open orders, account; each told how whole it came.

Executions come first, because the gateway forgets them at midnight of its day: that is how far back
a complete answer reaches, at the later of the midnights that may be meant, by the worse of both
clocks. Commission reports come behind their executions, sometimes long behind;
they are waited for a little, and whatever comes later is recorded when it comes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from adapters.ibkr.connection import Connection
from adapters.ibkr.errors import GatewayError
from adapters.ibkr.recording import IBKR, Recorder
from adapters.telling import Told, earlier, moment
from domain.ibkr import messages

_APART_MAX: Final = timedelta(seconds=5)
"""How far two clocks may be apart before it is told."""
_LOOKS: Final = 20
"""How often to look, while waiting for commission reports, whether all have come."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one round came to: what is told of each stream of each account."""

    streams: tuple[tuple[str, Told], ...]
    unreported: int
    """Executions whose commission is not known."""

    @property
    def complete(self) -> bool:
        """Tell whether every stream was asked to its end."""
        return all(told.complete for _, told in self.streams)


def midnight(at: datetime, zone: str) -> datetime:
    """Return when the day began in which `at` lies, in a zone."""
    there = ZoneInfo(zone)
    return datetime.combine(at.astimezone(there).date(), time(), there).astimezone(UTC)


def next_midnight(at: datetime, zone: str) -> datetime:
    """Return when the day ends in which `at` lies, in a zone."""
    # noon of the next day, whatever the clocks do in the night
    return midnight(midnight(at, zone) + timedelta(days=1.5), zone)


@dataclass(slots=True)
class Asking:
    """A round of questions over an open connection; `zones` are those of the gateway's day.

    Not always is everything asked: what an account is worth is a snapshot each time.
    """

    connection: Connection
    recorder: Recorder
    zones: frozenset[str]
    reports_seconds: float
    started_at: datetime = field(init=False)
    executions_at: datetime = field(init=False)

    async def run(self, *, fully: bool = True) -> Asked:
        """Ask, append all that comes, and tell what came of it.

        What is not asked `fully` is executions and open orders.
        """
        connection, accounts = self.connection, self.recorder.accounts
        self.started_at = connection.now()
        self.recorder.begin_round()
        ahead = await self._clock()
        self.executions_at = connection.now()
        await self._ask("executions", "executions", accounts, connection.executions)
        self._cover(ahead)
        if fully:
            await self._ask(
                "positions", "positions", accounts, connection.positions, messages.POSITION
            )
        await self._ask("open_orders", "open orders", accounts, connection.open_orders)
        if fully:
            await self._account()
        await self._late_reports()
        self.recorder.flush()
        connection.raise_fault()
        return self._tell()

    async def _clock(self) -> timedelta:
        """Return by how much the gateway's clock is ahead of ours; nothing where it is silent."""
        connection = self.connection
        connection.ahead = None
        try:
            await connection.clock()
        except GatewayError as error:
            # where the connection is lost, the next question says so
            if not connection.lost.done():
                connection.tell(f"{connection.address.shown}: {error}")
        ahead = connection.ahead or timedelta()
        if abs(ahead) > _APART_MAX:
            connection.tell(
                f"{connection.address.shown}: the gateway's clock and ours are "
                f"{abs(ahead).total_seconds():.0f} s apart: set the one that is wrong"
            )
        return ahead

    async def _account(self) -> None:
        for account in self.recorder.accounts:
            await self._values(account)
        await self._ask(
            "account",
            "account summary",
            self.recorder.accounts,
            self.connection.account_summary,
            messages.ACCOUNT_SUMMARY,
        )

    async def _values(self, account: str) -> None:
        await self._ask(
            "account",
            "account values",
            (account,),
            lambda: self.connection.account_values(account),
            messages.ACCOUNT_VALUE,
            messages.PORTFOLIO_VALUE,
        )

    async def _ask(
        self,
        stream: str,
        question: str,
        accounts: tuple[str, ...],
        ask: Callable[[], Awaitable[None]],
        *snapshots: str,
    ) -> None:
        """Ask one question; an answer without its end is incomplete, with the reason."""
        # what was pushed before is no part of the answer
        self.recorder.flush()
        self.recorder.begin_answer(*snapshots)
        lost, reason = self.connection.lost.done(), None
        try:
            await ask()
        except GatewayError as error:
            reason = f"not asked: {error}" if lost else str(error)
        finally:
            self.recorder.flush()
            self.recorder.end_answer(*snapshots)
        if reason is None and self.recorder.unowned(stream):
            reason = f"{self.recorder.unowned(stream)} messages came whose account is not known"
        for account in accounts:
            told = self.recorder.told_of(stream, account)
            told.asked.append(question)
            told.pages += not lost
            told.reason = told.reason or reason
            told.complete = told.reason is None

    def _cover(self, ahead: timedelta) -> None:
        """Say for which time the executions came: those since midnight, and no others."""
        now = self.connection.now()
        begun = max(midnight(at, zone) for at in (now, now + ahead) for zone in self.zones)
        until = min(self.executions_at, self.executions_at + ahead)
        for account in self.recorder.accounts:
            told = self.recorder.told_of("executions", account)
            before = earlier(self.recorder.last_fetch("executions", account))
            told.resume_from = moment(before.get("resume_from"))
            if not told.complete or begun > until:
                continue
            if told.resume_from is not None and told.resume_from < begun:
                told.gap = (told.resume_from, begun)
            told.covered_from = begun
            told.covered_until = told.resume_from = until

    async def _late_reports(self) -> None:
        for _ in range(_LOOKS):
            if not self.recorder.unreported() or self.connection.lost.done():
                break
            await asyncio.wait({self.connection.lost}, timeout=self.reports_seconds / _LOOKS)
            self.recorder.flush()

    def _tell(self) -> Asked:
        """Append what is told of each stream."""
        ended_at, site = self.connection.now(), self.connection.address.shown
        streams = tuple((account, told) for (_, account), told in self.recorder.told.items())
        for account, told in streams:
            if told.asked:
                owner = self.recorder.owner(account)
                event = IBKR.fetch_event(told, owner, site, self.started_at, ended_at)
                self.recorder.append([event])
                self.recorder.ownership.told(told.stream)
        asked = tuple((account, told) for account, told in streams if told.asked)
        return Asked(asked, self.recorder.unreported())
