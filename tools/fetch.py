"""`fetch`: ask the broker itself, append what it says, say what is new about how it says it.

A fetch in which everything is as ever ends in one line. Exit code 1 for a drift alert, 3 where a
stream could not be read to its end: what was read before is in the log, and the next fetch goes on
from there.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import RenderableType
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapters.clock import SYSTEM, Clock
from adapters.kalshi import signing, sites
from adapters.kalshi.client import DEFAULT, Client, Limits
from adapters.kalshi.errors import UnfitKeyError
from adapters.kalshi.fetch import Fetched, Fetching, Plan
from adapters.kalshi.signing import Credentials
from adapters.kalshi.sites import Site
from adapters.kalshi.streams import FILLS
from adapters.kalshi.taking import Taker
from adapters.kalshi.telling import prefix_of
from adapters.log.sqlite import SQLiteLog
from adapters.taking import Sighting
from adapters.telling import THE_BEGINNING, Told, earlier
from domain.errors import UsageError
from domain.event import Owner, header
from tools import alerts, findings, outcome, spool
from tools.book import Book
from tools.outcome import Outcome, counted, screen, tell
from tools.project import NOTHING, Projected, project_after

_UNCOVERED: Final = (
    "UNCOVERED: the exchange does not say up to when its data are (/exchange/user_data_timestamp), "
    "so nothing is known to be complete; the next fetch begins where this one did"
)
_ENVIRONMENT: Final = "BROKERTRUTH_KALSHI_"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    full: bool = False
    since: datetime | None = None
    overlap_days: int = 3
    and_project: bool = True
    dry_run: bool = False

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.full and self.since is not None:
            message = "--full is everything and --since is a part: give one of them"
            raise UsageError(message)


@dataclass(frozen=True, slots=True)
class Access:
    """Where the exchange is and who asks."""

    site: Site
    credentials: Credentials
    clock: Clock = SYSTEM
    limits: Limits = DEFAULT


def access(book: Book) -> Access:
    """Return where Kalshi is and the key, from the environment or from book.toml.

    Raise UsageError where the key is missing or unfit.
    """
    told, named = book.configuration.kalshi, _named
    site = sites.site(named("SITE") or told.site, named("STREAM") or told.stream)
    key_id, pem = named("KEY_ID") or told.key_id, named("KEY")
    file = named("KEY_FILE") or (told.key_file if pem is None else None)
    if key_id is None or (pem is None and file is None):
        message = (
            f"no API key: set key_id and key_file under [kalshi] in {book.folder / 'book.toml'}, "
            f"or ${_ENVIRONMENT}KEY_ID and ${_ENVIRONMENT}KEY_FILE"
        )
        raise UnfitKeyError(message)
    credentials = signing.load(
        key_id, pem=pem, file=None if file is None else Path(file).expanduser()
    )
    return Access(site, credentials)


def _named(name: str) -> str | None:
    return os.environ.get(_ENVIRONMENT + name) or None


def owner_at(book: Book, site: Site) -> Owner:
    """Return whose events these are. Raise UsageError where play money would pass for real."""
    owner = book.owner()
    if site.paper and owner.mode != "paper":
        message = (
            f"{site.rest} trades play money and this book is {owner.mode}: make a book for it with "
            "`brokertruth --book DIR init --mode paper`"
        )
        raise UsageError(message)
    if site.live and owner.mode == "paper":
        message = f"{site.rest} trades real money and this book is paper: make another with `init`"
        raise UsageError(message)
    return owner


def refuse_another_site(log: SQLiteLog, owner: Owner, site: Site) -> None:
    """Raise UsageError where the account was fetched from another exchange before."""
    before = earlier(log.last_under(prefix_of(FILLS.name, owner))).get("site", site.name)
    if before != site.name:
        message = (
            f"account {owner.account} of this book was fetched from {before}, not from "
            f"{site.name}: make a book for each with `brokertruth --book DIR init`"
        )
        raise UsageError(message)


def kalshi(book: Book, wanted: Wanted, entry: Access | None = None) -> Outcome:
    """Fetch everything that is new, append it, project."""
    entry = access(book) if entry is None else entry
    owner = owner_at(book, entry.site)
    with (
        book.open_log() as log,
        client_of(entry, tell) as client,
    ):
        spooled = spool.take_in(book, log, dry_run=wanted.dry_run)
        with spool.told_anyway(spooled):
            done = one_round(book, log, client, owner, wanted, entry.clock)
    return spool.told_with(spooled, done)


def client_of(entry: Access, say: Callable[[str], None]) -> Client:
    """Return a client that tells of every attempt that it repeats."""
    return Client(entry.site, entry.credentials, entry.clock, entry.limits, on_retry=say)


def one_round(
    book: Book,
    log: SQLiteLog,
    client: Client,
    owner: Owner,
    wanted: Wanted,
    clock: Clock,
) -> Outcome:
    """Fetch once: ask, append, project, and tell what is new about how it was told.

    New is what the projection of before does not cover.
    """
    refuse_another_site(log, owner, client.site)
    current = book.projection_meta()
    covered = current.watermark if current else 0
    taker = Taker(log, owner, wanted.dry_run)
    fetched = fetch(client, log, taker, _plan(clock, wanted))
    found = [described(log, sighting) for sighting in taker.drifted()]
    projecting = wanted.and_project and not wanted.dry_run
    projected = project_after(book, log) if projecting else NOTHING
    wrong = Wrong(found)
    if projecting and projected.exit_code != outcome.FAILED:
        wrong = look(book, found, projected, covered)
    shapes = {(one.kind, one.shape) for one in taker.census.sightings.values()}
    told = _Report(fetched, wrong, projected, client, shapes=len(shapes))
    return told.outcome(dry_run=wanted.dry_run)


def fetch(client: Client, log: SQLiteLog, taker: Taker, plan: Plan) -> Fetched:
    """Run one fetch and show how far it is, on a terminal."""
    console = screen(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("asking", total=None)

        def report(stream: str, pages: int, rows: int) -> None:
            told = f"{stream}: {counted(pages, 'page')}, {counted(rows, 'row')}"
            bar.update(task, description=told)

        return Fetching(client, log, taker, plan, report).run()


def _plan(clock: Clock, wanted: Wanted) -> Plan:
    started_at, since = clock.now(), wanted.since
    if since is not None and since > started_at:
        message = f"--since {since.isoformat()} lies ahead: nothing has happened since then"
        raise UsageError(message)
    return Plan(
        started_at=started_at,
        full=wanted.full,
        since=None if since is None else max(since, THE_BEGINNING).astimezone(UTC),
        overlap=timedelta(days=wanted.overlap_days),
        dry_run=wanted.dry_run,
    )


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with what came: its shapes, and what no fetch before had told."""

    shapes: Sequence[dict[str, Any]]
    values: Sequence[dict[str, Any]] = ()
    canaries: Sequence[dict[str, Any]] = ()

    @property
    def count(self) -> int:
        """Return how many alerts it makes."""
        return len(self.shapes) + len(self.values) + len(self.canaries)

    def lines(self) -> list[str]:
        """Return the alerts."""
        return [
            *map(alerts.of_shape, self.shapes),
            *map(alerts.of_values, self.values),
            *alerts.of_canaries(self.canaries),
        ]


def described(log: SQLiteLog, sighting: Sighting) -> dict[str, Any]:
    """Return a drifted shape as `drift` tells it, with the endpoint that it came from."""
    revisions = log.revisions(sighting.first_key)
    positions = [
        event.position for event in revisions if header(event.state).get("shape") == sighting.shape
    ]
    choice = sighting.choice
    return {
        "kind": sighting.kind,
        "endpoint": sighting.endpoint,
        "shape": sighting.shape,
        "status": choice.status,
        "reason": choice.reason or "",
        "nearest": choice.nearest or "",
        "keys_added": ", ".join(choice.keys_added),
        "keys_missing": ", ".join(choice.keys_missing),
        "events": sighting.rows,
        "first_position": positions[0] if positions else None,
    }


def look(book: Book, shapes: list[dict[str, Any]], projected: Projected, covered: int) -> Wrong:
    """Return what is wrong with what came, after it was projected.

    `covered` is how far the projection of before reached.
    """
    fresh = (projected.data or {}).get("new_canaries")
    with book.open_projection() as connection:
        values = findings.impossible(connection, covered)
    return Wrong(shapes, values, fresh if isinstance(fresh, list) else [])


@dataclass(frozen=True, slots=True)
class _Report:
    """Everything that is to be said about one fetch."""

    fetched: Fetched
    wrong: Wrong
    projected: Projected
    client: Client
    shapes: int

    def outcome(self, *, dry_run: bool) -> Outcome:
        lines = self.wrong.lines()
        lines += [f"GAP {one.stream}: {_gap(one)}" for one in self.fetched.streams if one.gap]
        lines += _incomplete(self.fetched.streams)
        if self.fetched.complete and self.fetched.data_until is None:
            lines.append(_UNCOVERED)
        body: list[RenderableType] = []
        if lines:
            body = [_table(self.fetched.streams), *lines]
        code = outcome.FOUND if lines else outcome.GOOD
        # what projecting finds in older events is no news; `status` tells of it every time
        if not self.fetched.complete or self.projected.exit_code == outcome.FAILED:
            code = outcome.FAILED
        return Outcome(self._verdict(dry_run=dry_run), self._data(dry_run=dry_run), body, code)

    def _verdict(self, *, dry_run: bool) -> str:
        streams = self.fetched.streams
        whole = sum(one.complete for one in streams)
        told = f"{whole} of {counted(len(streams), 'stream')} complete"
        if whole == len(streams):
            told = f"{counted(whole, 'stream')} complete"
        if self.fetched.data_until is not None:
            told += f" up to {self.fetched.data_until:%Y-%m-%dT%H:%M:%SZ}"
        alarms = self.wrong.count
        shapes = counted(self.shapes, "shape")
        told += f", {counted(alarms, 'drift alert')}" if alarms else f", {shapes} all known"
        new = sum(one.new for one in streams)
        revisions = sum(one.revisions for one in streams)
        duplicates = sum(one.duplicates for one in streams)
        told += (
            f": {counted(new, 'new event')}, {counted(revisions, 'revision')}, "
            f"{counted(duplicates, 'duplicate')}"
        )
        if dry_run:
            return f"{told} (dry run: nothing was written)"
        return told + self.projected.verdict

    def _data(self, *, dry_run: bool) -> dict[str, Any]:
        streams = self.fetched.streams
        return {
            "dry_run": dry_run,
            "complete": self.fetched.complete,
            "data_until": _text(self.fetched.data_until),
            "streams": [row_of(one) for one in streams],
            "new": sum(one.new for one in streams),
            "revisions": sum(one.revisions for one in streams),
            "duplicates": sum(one.duplicates for one in streams),
            "drift": list(self.wrong.shapes),
            "impossible_values": list(self.wrong.values),
            "canaries": list(self.wrong.canaries),
            "alerts": self.wrong.lines(),
            "requests": self.client.requests,
            "retries": self.client.retries,
            "transfer_seconds": round(self.client.transfer_seconds, 3),
            "waiting_seconds": round(self.client.waiting_seconds, 3),
            "projection": self.projected.data,
        }


def _incomplete(streams: Sequence[Told]) -> list[str]:
    """Return a line for each reason; the streams that were not asked share one."""
    reasons: dict[str, list[str]] = {}
    for one in streams:
        if not one.complete:
            reasons.setdefault(str(one.reason), []).append(one.stream)
    return [f"INCOMPLETE {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _gap(told: Told) -> str:
    assert told.gap is not None, "the caller has seen one"
    start, end = told.gap
    if start == THE_BEGINNING:
        return (
            f"what settled before {_text(end)} is not served any more; `query @unsettled-lots` "
            "shows what is still open by the fills, `drift` which of it has ended"
        )
    if told.resume_from == start:
        return f"from {_text(start)} to {_text(end)} nothing was asked for; the next fetch will"
    return (
        f"what happened from {_text(start)} to {_text(end)} is not served any more and may never "
        "have been fetched; fetch more often"
    )


def row_of(told: Told) -> dict[str, Any]:
    """Return what is told of a stream, for programs."""
    return {
        "stream": told.stream,
        "state": told.state,
        "reason": told.reason,
        "pages": told.pages,
        "rows": told.rows,
        "new": told.new,
        "revisions": told.revisions,
        "duplicates": told.duplicates,
        "covered_from": _text(told.covered_from),
        "covered_until": _text(told.covered_until),
        "gap": [_text(at) for at in told.gap] if told.gap else None,
        "notes": list(told.notes),
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _table(streams: Sequence[Told]) -> Table:
    table = Table("stream", "state", box=None, header_style="bold")
    for name in ("rows", "new", "revised", "known"):
        table.add_column(name, justify="right")
    table.add_column("covered until")
    for one in streams:
        table.add_row(
            one.stream,
            one.state,
            *(f"{number:,}" for number in (one.rows, one.new, one.revisions, one.duplicates)),
            "" if one.covered_until is None else f"{one.covered_until:%Y-%m-%d %H:%M:%SZ}",
        )
    return table
