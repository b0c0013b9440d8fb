"""`fetch flex`: order Flex statements, keep each as it came, take it in, tell for which time.

A statement is first on the disk, byte for byte, and then taken in as `ingest` would. Exit code 1
for a drift alert, 3 where a statement was not had or not understood: the others are in the log.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from adapters.clock import SYSTEM, Clock
from adapters.flex import addresses, keeping, periods, tokens
from adapters.flex.reading import ADAPTER
from adapters.flex.service import DEFAULT, Limits, Report, Service
from adapters.flex.service_answers import Document
from adapters.flex.service_errors import TokenRefusedError, UnfitTokenError
from adapters.flex.tokens import Token
from adapters.log.sqlite import SQLiteLog
from adapters.telling import Broker, Told, earlier
from domain.errors import CannotDoError, UsageError
from domain.event import NewEvent, Owner
from replay import query as asking
from tools import alerts, findings, ingest, outcome, render, spool
from tools.book import Book
from tools.outcome import Outcome, counted, screen, tell
from tools.project import NOTHING, Projected, project_after

IBKR: Final = Broker("ibkr", ADAPTER)
ACTIVITY: Final = "flex"
CONFIRMATIONS: Final = "flex_confirmations"
_ENVIRONMENT: Final = "BROKERTRUTH_IBKR_FLEX_"
# Shorter than any token.
_QUERY: Final = re.compile(r"[0-9]{1,11}")
_DRIFTED: Final = """
    SELECT kind, status, events, first_position, coalesce(reason, '') AS reason,
        coalesce(nearest, '') AS nearest, coalesce(keys_added, '') AS keys_added,
        coalesce(keys_missing, '') AS keys_missing
    FROM drift WHERE status <> 'known' AND first_position > $after
    ORDER BY kind, first_position
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    queries: tuple[str, ...] = ()
    timeout_seconds: int = 600
    and_project: bool = True
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """Where the service is, who asks, and for which statements."""

    base: httpx.URL
    token: Token
    queries: tuple[str, ...]
    clock: Clock = SYSTEM
    limits: Limits = DEFAULT


def access(book: Book) -> Access:
    """Return service, token and queries, from the environment or from book.toml.

    Raise UsageError where the token is missing or unfit.
    """
    told, named = book.configuration.ibkr, _named
    base = addresses.base(named("SITE") or told.flex_site)
    text = named("TOKEN")
    file = named("TOKEN_FILE") or (told.flex_token_file if text is None else None)
    if text is None and file is None:
        message = (
            f"no Flex token: set flex_token_file under [ibkr] in {book.folder / 'book.toml'}, or "
            f"${_ENVIRONMENT}TOKEN_FILE"
        )
        raise UnfitTokenError(message)
    token = tokens.load(text, None if file is None else Path(file).expanduser())
    queries = (named("QUERIES") or ",".join(told.flex_queries)).replace(",", " ").split()
    return Access(base, token, tuple(queries))


def _named(name: str) -> str | None:
    return os.environ.get(_ENVIRONMENT + name) or None


def _queries(book: Book, wanted: Wanted, entry: Access) -> list[str]:
    queries = list(dict.fromkeys(wanted.queries or entry.queries))
    if not queries:
        message = (
            "no Flex query: name one with --query, or set flex_queries under [ibkr] in "
            f"{book.folder / 'book.toml'}, or ${_ENVIRONMENT}QUERIES"
        )
        raise UsageError(message)
    for query in queries:
        if not _QUERY.fullmatch(query) or query == entry.token.text:
            told = tokens.shown(entry.token.blotted(query))
            message = f"query {told}: a Flex query is named by its number, such as 123456"
            raise UsageError(message)
    return queries


@dataclass(slots=True)
class _Taken:
    """What became of one query."""

    query: str
    reason: str | None = None
    file: str | None = None
    size_bytes: int = 0
    told: list[tuple[Owner, Told]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    new: int = 0
    revisions: int = 0
    duplicates: int = 0

    @property
    def complete(self) -> bool:
        return self.reason is None


def flex(book: Book, wanted: Wanted, entry: Access | None = None) -> Outcome:
    """Fetch the statement of every query, keep it, take it in, project."""
    entry = access(book) if entry is None else entry
    queries = _queries(book, wanted, entry)
    current = book.projection_meta()
    covered = current.watermark if current else 0
    limits = replace(entry.limits, total_seconds=wanted.timeout_seconds)
    started_at = entry.clock.now()
    with (
        _folder(book, wanted) as folder,
        Service(entry.base, entry.token, entry.clock, limits) as service,
    ):
        taken = _all(book, service, queries, folder, wanted)
    with book.open_log() as log:
        spooled = spool.take_in(book, log, dry_run=wanted.dry_run)
        with spool.told_anyway(spooled):
            if not wanted.dry_run:
                ended_at = entry.clock.now()
                log.append(_events(book, log, taken, entry.base.host, (started_at, ended_at)))
            projecting = wanted.and_project and not wanted.dry_run
            projected = project_after(book, log) if projecting else NOTHING
    lines = []
    if projecting and projected.exit_code != outcome.FAILED:
        lines = _alerts(book, projected, covered)
    done = _Report(taken, lines, projected, service.requests).outcome(dry_run=wanted.dry_run)
    return spool.told_with(spooled, done)


@contextmanager
def _folder(book: Book, wanted: Wanted) -> Iterator[Path]:
    """Give the folder of the statements; in a dry run one that is gone afterwards."""
    if not wanted.dry_run:
        yield book.statements_path
        return
    with tempfile.TemporaryDirectory(prefix="brokertruth-") as folder:
        yield Path(folder)


@contextmanager
def _showing() -> Iterator[Report]:
    """Show why it waits, on a terminal, and tell in a line what is more than waiting."""
    console = screen(stderr=True)
    description = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), description, TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("asking", total=None)

        def report(line: str, notable: bool) -> None:
            bar.update(task, description=outcome.safe(line))
            if notable:
                tell(line)

        yield report


# --- statements ----------------------------------------------------------------------------------


def _all(
    book: Book, service: Service, queries: Sequence[str], folder: Path, wanted: Wanted
) -> list[_Taken]:
    taken: list[_Taken] = []
    refused = ""
    for query in queries:
        # too many attempts with a token that is not accepted would lock it
        one = _Taken(query, reason=f"not asked for: {refused}") if refused else None
        if one is None:
            try:
                one = _one(book, service, query, folder, wanted)
            except TokenRefusedError as error:
                refused = str(error)
                one = _Taken(query, reason=refused)
        taken.append(one)
    return taken


def _one(book: Book, service: Service, query: str, folder: Path, wanted: Wanted) -> _Taken:
    """Fetch one statement, keep it and take it in. Raise TokenRefusedError."""
    one = _Taken(query)
    try:
        with keeping.incoming(folder) as (path, file):
            with _showing() as report:
                document = service.take(query, file, report)
            kept = keeping.keep(folder, path, query, document)
        one.size_bytes = document.size_bytes
        one.file = None if wanted.dry_run else str(kept)
        _take_in(book, one, kept, wanted)
        if one.complete:
            _tell_periods(book, one, document)
    except TokenRefusedError:
        raise
    except CannotDoError as error:
        # of the other queries there is something to tell all the same
        one.reason = str(error)
    return one


def _take_in(book: Book, one: _Taken, kept: Path, wanted: Wanted) -> None:
    """Append what a statement says, as `ingest` would."""
    done = ingest.ingest(
        book,
        [str(kept)],
        owner=book.owner(),
        as_of=None,
        dry_run=wanted.dry_run,
        and_project=False,
    )
    (entry,) = done.data["files"]
    one.reason = entry.get("refused")
    one.notes = list(entry.get("notes", ()))
    one.new = done.data["new"]
    one.revisions = done.data["revisions"]
    one.duplicates = done.data["duplicates"]


def _tell_periods(book: Book, one: _Taken, document: Document) -> None:
    """Say of each statement of a document for which time it tells everything."""
    for statement in document.statements:
        confirming = periods.of_confirmations(statement)
        stream = CONFIRMATIONS if confirming else ACTIVITY
        told = replace(_told(one), stream=stream, reason=None)
        owner = Owner(statement.account, book.configuration.mode)
        one.told.append((owner, told))
        try:
            told.covered_from, told.covered_until = periods.covered(statement)
        except CannotDoError as error:
            one.reason = told.reason = str(error)
        else:
            told.complete = True


def _told(one: _Taken) -> Told:
    told = Told(ACTIVITY, reason=one.reason, asked=[f"query {one.query}"])
    told.pages = int(one.file is not None)
    told.new, told.revisions, told.duplicates = one.new, one.revisions, one.duplicates
    told.rows = one.new + one.revisions + one.duplicates
    return told


def _events(
    book: Book,
    log: SQLiteLog,
    taken: Sequence[_Taken],
    site: str,
    between: tuple[datetime, datetime],
) -> list[NewEvent]:
    """Return what is to be told of all queries; what is incomplete last, as the newest that is.

    What was not had is told as activity of the book's own account: nobody knows of which else. When
    those queries are had again, that is told there too, and for no time.
    """
    own = book.owner()
    told = [one for query in taken for one in query.told or [(own, _told(query))]]
    if all((owner, one.stream) != (own, ACTIVITY) for owner, one in told):
        before = earlier(log.last_under(IBKR.prefix(ACTIVITY, own)))
        asked = str(before.get("asked", "")).split("; ")
        if set(asked) <= {f"query {query.query}" for query in taken if query.complete}:
            told.append((own, Told(ACTIVITY, complete=True, asked=asked)))
    told.sort(key=lambda pair: not pair[1].complete)
    started_at, ended_at = between
    # of two that began together, one would be the other's correction
    return [
        IBKR.fetch_event(one, owner, site, started_at + timedelta(microseconds=nth), ended_at)
        for nth, (owner, one) in enumerate(told)
    ]


# --- what is to be said --------------------------------------------------------------------------


def _alerts(book: Book, projected: Projected, covered: int) -> list[str]:
    """Return an alert for everything that no projection before has told."""
    fresh = (projected.data or {}).get("new_canaries")
    with book.open_projection() as connection:
        shapes = render.as_rows(asking.run(connection, _DRIFTED, {"after": covered}))
        values = findings.impossible(connection, covered)
    return [
        *map(alerts.of_shape, shapes),
        *map(alerts.of_values, values),
        *alerts.of_canaries(fresh if isinstance(fresh, list) else []),
    ]


@dataclass(frozen=True, slots=True)
class _Report:
    """Everything that is to be said about one fetch."""

    taken: Sequence[_Taken]
    alerts: Sequence[str]
    projected: Projected
    requests: int

    @property
    def complete(self) -> bool:
        return all(one.complete for one in self.taken)

    def outcome(self, *, dry_run: bool) -> Outcome:
        body = [*self.alerts]
        body += [f"query {one.query}: {note}" for one in self.taken for note in one.notes]
        body += [f"INCOMPLETE {one.query}: {one.reason}" for one in self.taken if one.reason]
        code = outcome.FOUND if self.alerts else outcome.GOOD
        # what projecting finds in older events is no news; `status` tells of it every time
        if not self.complete or self.projected.exit_code == outcome.FAILED:
            code = outcome.FAILED
        return Outcome(self._verdict(dry_run=dry_run), self._data(dry_run=dry_run), body, code)

    def _verdict(self, *, dry_run: bool) -> str:
        whole = sum(one.complete for one in self.taken)
        told = f"{whole} of {counted(len(self.taken), 'statement')} complete"
        if self.complete:
            told = f"{counted(whole, 'statement')} complete"
        told += self._until(ACTIVITY, " up to") + self._until(
            CONFIRMATIONS, ", confirmations up to"
        )
        if self.alerts:
            told += f", {counted(len(self.alerts), 'drift alert')}"
        new, revisions, duplicates = self._counts()
        told += (
            f": {counted(new, 'new event')}, {counted(revisions, 'revision')}, "
            f"{counted(duplicates, 'duplicate')}"
        )
        if dry_run:
            return f"{told} (dry run: nothing was written)"
        return told + self.projected.verdict

    def _until(self, stream: str, words: str) -> str:
        told = [one for taken in self.taken for _, one in taken.told if one.stream == stream]
        untils = [one.covered_until for one in told if one.covered_until is not None]
        return f"{words} {_text(max(untils))}" if untils else ""

    def _counts(self) -> tuple[int, int, int]:
        return (
            sum(one.new for one in self.taken),
            sum(one.revisions for one in self.taken),
            sum(one.duplicates for one in self.taken),
        )

    def _data(self, *, dry_run: bool) -> dict[str, Any]:
        new, revisions, duplicates = self._counts()
        return {
            "dry_run": dry_run,
            "complete": self.complete,
            "queries": [_row(one) for one in self.taken],
            "new": new,
            "revisions": revisions,
            "duplicates": duplicates,
            "alerts": list(self.alerts),
            "requests": self.requests,
            "projection": self.projected.data,
        }


def _row(one: _Taken) -> dict[str, Any]:
    return {
        "query": one.query,
        "state": "complete" if one.complete else "incomplete",
        "reason": one.reason,
        "file": one.file,
        "bytes": one.size_bytes,
        "new": one.new,
        "revisions": one.revisions,
        "duplicates": one.duplicates,
        "covered": [
            {
                "stream": told.stream,
                "account": owner.account,
                "from": _text(told.covered_from),
                "until": _text(told.covered_until),
            }
            for owner, told in one.told
        ],
        "notes": one.notes,
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
