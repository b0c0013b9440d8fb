"""`fetch ibkr`: ask TWS or IB Gateway, append what it says, say what is new about how it says it.

Exit code 1 for a drift alert, 3 where a stream could not be asked to its end: what came before is
in the log, and the next fetch asks for all of it again.
"""

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.console import RenderableType
from rich.table import Table

from adapters.addresses import is_loopback
from adapters.ibkr.asking import Asked
from adapters.ibkr.connection import Address
from adapters.ibkr.payloads import Message
from adapters.ibkr.session import Plan, Session, begun
from adapters.log.sqlite import SQLiteLog
from adapters.taking import Census, Sighting
from adapters.telling import Told
from domain.errors import UsageError
from tools import book as books
from tools import fetch, outcome, spool
from tools.book import Book
from tools.outcome import Outcome, counted, tell
from tools.project import NOTHING, Projected, project_after

_ENVIRONMENT: Final = "BROKERTRUTH_IBKR_"
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_PORT_MAX: Final = 65535
_PORTS: Final = {"live": 4001, "paper": 4002}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    and_project: bool = True
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """How to talk to the gateway, and what time it is."""

    plan: Plan
    now: Callable[[], datetime] = books.now


def access(book: Book) -> Access:
    """Return where the gateway is, from the environment or from book.toml.

    Raise UsageError for another machine, unless the book allows it, and for zones that are none.
    """
    told = book.configuration.ibkr
    host = os.environ.get(f"{_ENVIRONMENT}HOST") or told.host
    if not (told.remote or is_loopback(host)):
        message = (
            f"{host} is not this machine, and the gateway speaks in clear: use a tunnel, or set "
            f"remote = true under [ibkr] in {book.folder / 'book.toml'}"
        )
        raise UsageError(message)
    mode = book.configuration.mode
    for zone in (told.gateway_zone, told.day_zone):
        _refuse_no_zone(zone)
    port = _number("PORT", 1, _PORT_MAX)
    client_id = _number("CLIENT_ID", 0, books.CLIENT_ID_MAX)
    address = Address(
        host,
        (told.port or _PORTS[mode]) if port is None else port,
        told.client_id if client_id is None else client_id,
    )
    return Access(Plan(address, mode, gateway_zone=told.gateway_zone, day_zone=told.day_zone))


def _number(name: str, least: int, greatest: int) -> int | None:
    text = os.environ.get(_ENVIRONMENT + name) or None
    if text is None:
        return None
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= greatest:
        message = f"${_ENVIRONMENT}{name} is {text!r}: use a number from {least} to {greatest}"
        raise UsageError(message)
    return int(text)


def _refuse_no_zone(zone: str | None) -> None:
    try:
        if zone is not None:
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"[ibkr] in book.toml: {zone!r} is no time zone: write it like America/New_York"
        raise UsageError(message) from None


def ibkr(book: Book, wanted: Wanted, entry: Access | None = None) -> Outcome:
    """Ask everything once, append it, project."""
    entry = access(book) if entry is None else entry
    entry = replace(entry, plan=replace(entry.plan, dry_run=wanted.dry_run))
    with book.open_log() as log:
        covered, census = projected_until(book), Census()
        spooled = spool.take_in(book, log, dry_run=wanted.dry_run)
        with spool.told_anyway(spooled):
            asked = asyncio.run(_once(lambda: connect(entry, log, census)))
            done = round_told(book, log, asked, census.drifted(), covered, wanted)
    return spool.told_with(spooled, done)


async def _once(connecting: Callable[[], AbstractAsyncContextManager[Session]]) -> Asked:
    async with connecting() as session:
        return await session.ask()


def connect(
    entry: Access,
    log: SQLiteLog,
    census: Census,
    say: Callable[[str], None] = tell,
    heard: Callable[[Message, str], None] | None = None,
) -> AbstractAsyncContextManager[Session]:
    """Return a connection to the gateway whose messages are appended to the log."""
    return begun(entry.plan, log, census, tell=say, now=entry.now, heard=heard)


def projected_until(book: Book) -> int:
    """Return the last position that the current projection covers."""
    current = book.projection_meta()
    return current.watermark if current else 0


def round_told(
    book: Book,
    log: SQLiteLog,
    asked: Asked,
    drifted: Sequence[Sighting],
    covered: int,
    wanted: Wanted,
) -> Outcome:
    """Project, and tell what a round of questions came to.

    New is what the projection of before, up to position `covered`, does not hold.
    """
    found = [fetch.described(log, sighting) for sighting in drifted]
    projecting = wanted.and_project and not wanted.dry_run
    projected = project_after(book, log) if projecting else NOTHING
    wrong = fetch.Wrong(found)
    if projecting and projected.exit_code != outcome.FAILED:
        wrong = fetch.look(book, found, projected, covered)
    return _Report(asked, wrong, projected).outcome(dry_run=wanted.dry_run)


@dataclass(frozen=True, slots=True)
class _Report:
    """Everything that is to be said about one round."""

    asked: Asked
    wrong: fetch.Wrong
    projected: Projected

    def outcome(self, *, dry_run: bool) -> Outcome:
        alarms = [*self.wrong.lines(), *_incomplete(self.asked.streams)]
        lines = [*alarms, *_gaps(self.asked.streams)]
        body: list[RenderableType] = [_table(self.asked.streams), *lines] if lines else []
        code = outcome.FOUND if alarms else outcome.GOOD
        # what projecting finds in older events is no news; `status` tells of it every time
        if not self.asked.complete or self.projected.exit_code == outcome.FAILED:
            code = outcome.FAILED
        return Outcome(self._verdict(dry_run=dry_run), self._data(dry_run=dry_run), body, code)

    def _verdict(self, *, dry_run: bool) -> str:
        streams = [told for _, told in self.asked.streams]
        whole = sum(one.complete for one in streams)
        accounts = counted(len({account for account, _ in self.asked.streams}), "account")
        told = f"{whole} of {counted(len(streams), 'stream')} of {accounts} complete"
        if whole == len(streams):
            told = f"{counted(whole, 'stream')} of {accounts} complete"
        if self.wrong.count:
            told += f", {counted(self.wrong.count, 'drift alert')}"
        told += (
            f": {counted(self._sum('new'), 'new event')}, "
            f"{counted(self._sum('revisions'), 'revision')}, "
            f"{counted(self._sum('duplicates'), 'duplicate')}"
        )
        if self.asked.unreported:
            told += f"; {counted(self.asked.unreported, 'commission')} pending"
        if dry_run:
            return f"{told} (dry run: nothing was written)"
        return told + self.projected.verdict

    def _sum(self, name: str) -> int:
        return sum(getattr(told, name) for _, told in self.asked.streams)

    def _data(self, *, dry_run: bool) -> dict[str, Any]:
        return {
            "dry_run": dry_run,
            "complete": self.asked.complete,
            "streams": [
                {"account": account, **fetch.row_of(told)} for account, told in self.asked.streams
            ],
            "new": self._sum("new"),
            "revisions": self._sum("revisions"),
            "duplicates": self._sum("duplicates"),
            "commissions_pending": self.asked.unreported,
            "drift": list(self.wrong.shapes),
            "impossible_values": list(self.wrong.values),
            "canaries": list(self.wrong.canaries),
            "alerts": self.wrong.lines(),
            "projection": self.projected.data,
        }


def _incomplete(streams: Sequence[tuple[str, Told]]) -> list[str]:
    """Return a line for each reason; the streams that share one share the line."""
    reasons: dict[str, list[str]] = {}
    for account, one in streams:
        if not one.complete:
            reasons.setdefault(str(one.reason), []).append(f"{one.stream} of {account}")
    return [f"INCOMPLETE {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _gaps(streams: Sequence[tuple[str, Told]]) -> list[str]:
    return [
        f"NOT COVERED {one.stream} of {account}: from {one.gap[0]:%Y-%m-%dT%H:%M:%SZ} to "
        f"{one.gap[1]:%Y-%m-%dT%H:%M:%SZ} the gateway does not tell any more; a Flex statement does"
        for account, one in streams
        if one.gap is not None
    ]


def _table(streams: Sequence[tuple[str, Told]]) -> Table:
    table = Table("account", "stream", "state", box=None, header_style="bold")
    for name in ("rows", "new", "revised", "known"):
        table.add_column(name, justify="right")
    for account, one in streams:
        numbers = (one.rows, one.new, one.revisions, one.duplicates)
        table.add_row(account, one.stream, one.state, *(f"{number:,}" for number in numbers))
    return table
