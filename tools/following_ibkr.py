"""`fetch ibkr --follow`: executions as they happen, and questions at times, until stopped."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

from adapters.ibkr.asking import Asked
from adapters.ibkr.following import DEFAULT, Following, Pauses
from adapters.ibkr.payloads import Message
from adapters.ibkr.session import Session
from adapters.log.sqlite import SQLiteLog
from adapters.taking import Census, Sighting
from domain.errors import UsageError
from domain.ibkr import messages
from tools import fetch_ibkr, outcome, spool
from tools.book import Book
from tools.fetch_ibkr import Access, Wanted
from tools.outcome import Outcome, counted, tell
from tools.project import NOTHING, Projected, project_after
from tools.stopping import until_stopped

Tell = Callable[[str], None]
_ALERTS_MAX: Final = 100


@dataclass(slots=True)
class _Rounds:
    """The rounds of questions of one following."""

    book: Book
    log: SQLiteLog
    wanted: Wanted
    entry: Access
    say: Tell
    census: Census = field(default_factory=Census)
    told_of: int = 0
    """Shapes that were told of already."""
    head: int = 0
    executions: int = 0
    count: int = 0
    last: Outcome | None = None
    found: bool = False
    """Whether any round found something."""
    alerts: dict[str, None] = field(default_factory=dict)
    """Each once; the oldest make room."""

    def connect(self) -> AbstractAsyncContextManager[Session]:
        """Return a connection, a new one each time."""
        return fetch_ibkr.connect(self.entry, self.log, self.census, self.say, self.heard)

    def heard(self, message: Message, account: str) -> None:
        """Tell of an execution that was pushed."""
        fields = message.named()
        if message.kind != messages.EXECUTION or fields.get(messages.REQUEST) != "-1":
            return
        self.executions += 1
        keys = ("localSymbol", "side", "shares", "price", "execId")
        self.say(f"execution {account} {' '.join(fields.get(key, '') for key in keys)}")

    async def caught_up(self, asked: Asked, reason: str) -> None:
        """Project and tell, beside the listening: what is pushed meanwhile is not kept waiting."""
        drifted = self.census.drifted()[self.told_of :]
        self.told_of += len(drifted)
        await asyncio.to_thread(self._tell, asked, drifted, reason)

    def _tell(self, asked: Asked, drifted: list[Sighting], reason: str) -> None:
        covered = fetch_ibkr.projected_until(self.book)
        with self.book.open_log() as log:
            spooled = spool.take_in(self.book, log)
            head = log.head()
            with spool.told_anyway(spooled):
                told = fetch_ibkr.round_told(self.book, log, asked, drifted, covered, self.wanted)
            told = spool.told_with(spooled, told)
        self.head = head
        self.note(told)
        for line in told.body:
            if isinstance(line, str):
                self.say(line)
        self.say(f"caught up ({reason}): {told.verdict}")

    def note(self, told: Outcome) -> None:
        """Remember of a round what is told when the following ends."""
        self.last = told
        self.count += 1
        self.found |= told.exit_code == outcome.FOUND
        self.alerts |= dict.fromkeys(told.data["alerts"])
        for oldest in list(self.alerts)[:-_ALERTS_MAX]:
            del self.alerts[oldest]

    def code(self) -> int:
        """Return the worst thing that was found, or that the last round was not complete."""
        late = bool(self.census.drifted()[self.told_of :])
        last = self.last.exit_code if self.last else outcome.FAILED
        return max(last, outcome.FOUND if self.found or late else outcome.GOOD)


def follow(
    book: Book,
    wanted: Wanted,
    entry: Access | None = None,
    *,
    stop: Callable[[], bool] | None = None,
    pauses: Pauses = DEFAULT,
    say: Tell = tell,
) -> Outcome:
    """Follow until stopped: by `stop`, or by an interrupt or termination of the process."""
    if wanted.dry_run:
        message = "--follow appends what comes and cannot be a dry run: leave --dry-run out"
        raise UsageError(message)
    entry = fetch_ibkr.access(book) if entry is None else entry
    if stop is None:
        with until_stopped() as stopped:
            return follow(book, wanted, entry, stop=stopped.is_set, pauses=pauses, say=say)
    with book.open_log() as log:
        rounds = _Rounds(book, log, wanted, entry, say)
        following = Following(
            connect=rounds.connect,
            caught_up=rounds.caught_up,
            tell=say,
            stop=stop,
            now=entry.now,
            zones=entry.plan.zones,
            pauses=pauses,
        )
        asyncio.run(following.run())
        # what was pushed after the last round
        late = log.head() > rounds.head and wanted.and_project
        projected = project_after(book, log) if late else NOTHING
    return _outcome(following, rounds, projected)


def _outcome(following: Following, rounds: _Rounds, projected: Projected) -> Outcome:
    reason = None if rounds.last else "stopped before a round of questions came to its end"
    if reason and following.trouble:
        reason += f": {following.trouble}"
    verdict = (
        f"followed over {counted(following.connections, 'connection')}: "
        f"{counted(rounds.executions, 'pushed execution')}, "
        f"{counted(rounds.count, 'round')} of questions"
    )
    verdict += f"; the last: {rounds.last.verdict}" if rounds.last else f"; {reason}"
    data = {
        "connections": following.connections,
        "pushed_executions": rounds.executions,
        "rounds": rounds.count,
        "reason": reason,
        "alerts": list(rounds.alerts),
        "last": dict(rounds.last.data) if rounds.last else None,
        "projection": projected.data,
    }
    code = max(rounds.code(), outcome.FAILED if projected.exit_code == outcome.FAILED else 0)
    return Outcome(verdict + projected.verdict, data, (), code)
