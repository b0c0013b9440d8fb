"""`ingest`: take files in, each of them whole or not at all, then project."""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

from rich.console import RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapters import flex
from adapters.files import STANDARD_INPUT, Input, expand, read_input, shown
from adapters.files.content import HEAD, is_xml
from adapters.log.sqlite import SQLiteLog
from domain import ledger
from domain.errors import CannotDoError, UsageError
from domain.event import NewEvent, Owner, payload_bytes, same_content
from domain.jsontext import canonical, parse
from tools import outcome
from tools.book import Book, now
from tools.cells import printable
from tools.outcome import Outcome, counted, screen
from tools.project import NOTHING, Projected, project_after


@dataclass(slots=True)
class Taken:
    """What became of the files."""

    files: list[dict[str, object]] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    new: int = 0
    revisions: int = 0
    duplicates: int = 0
    refused: int = 0
    left_out: int = 0


def ingest(
    book: Book,
    paths: list[str],
    *,
    owner: Owner,
    as_of: datetime | None,
    dry_run: bool,
    and_project: bool,
) -> Outcome:
    """Take in every file that is understood; refuse the others by name, with the reason."""
    taken = Taken()
    with book.open_log() as log:
        for path in expand(paths):
            _take(log, path, taken, owner=owner, as_of=as_of, dry_run=dry_run)
        projected = project_after(book, log) if and_project and not dry_run else NOTHING
    return _outcome(taken, projected, dry_run=dry_run)


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one file that was taken in."""

    form: str
    rows: Mapping[str, int]
    counts: Mapping[str, int]
    notes: list[str]
    left_out: int = 0


def _take(
    log: SQLiteLog,
    path: Path,
    taken: Taken,
    *,
    owner: Owner,
    as_of: datetime | None,
    dry_run: bool,
) -> None:
    name = shown(path)
    entry: dict[str, object] = {"file": name}
    taken.files.append(entry)
    try:
        with _opened(path) as (file, head):
            if is_xml(head):
                done = _take_statement(log, file, head, name, owner=owner, dry_run=dry_run)
            else:
                data = _all(file, head, name)
                found = read_input(data, name=name, owner=owner, received_at=now(), as_of=as_of)
                counts = _append(log, found, dry_run=dry_run)
                done = _Done(found.form, found.rows, counts, found.notes, found.left_out)
    except UsageError as error:
        taken.refused += 1
        entry["refused"] = str(error)
        return
    taken.left_out += done.left_out
    taken.rows.update(done.rows)
    taken.new += done.counts["new"]
    taken.revisions += done.counts["revisions"]
    taken.duplicates += done.counts["duplicates"]
    entry |= {
        "form": done.form,
        "rows": dict(done.rows),
        "rows_left_out": done.left_out,
        **done.counts,
        "notes": done.notes,
    }


def _take_statement(
    log: SQLiteLog, file: BinaryIO, head: bytes, name: str, *, owner: Owner, dry_run: bool
) -> _Done:
    """Take a Flex statement in: read all of it, then append it a batch at a time."""
    received_at = now()
    with _rewindable(file, head, name) as whole, _progress(whole) as (survey_bar, append_bar):
        seen = flex.survey(whole, name=name, book=owner, progress=survey_bar)
        if _is_known(log, seen.fetch(received_at)):
            counts = {"new": 0, "revisions": 0, "duplicates": seen.rows}
        else:
            told = flex.batches(whole, seen, received_at=received_at, progress=append_bar)
            counts = append_batches(log, told, dry_run=dry_run)
    return _Done("flex statement", seen.counts, counts, seen.notes)


def append_batches(
    log: SQLiteLog, batches: Iterable[list[NewEvent]], *, dry_run: bool
) -> dict[str, int]:
    """Append batch by batch, and count all of them."""
    total = Counter({"new": 0, "revisions": 0, "duplicates": 0})
    for counts in append_each(log, batches, dry_run=dry_run):
        total.update(counts)
    return dict(total)


def append_each(
    log: SQLiteLog, batches: Iterable[list[NewEvent]], *, dry_run: bool
) -> Iterator[Mapping[str, int]]:
    """Append batch by batch; give the counts of each before the next one is asked for."""
    earlier: dict[bytes, bytes] = {}
    for batch in batches:
        if not dry_run:
            yield _append_counted(log, batch, dry_run=False)
            continue
        # What an earlier batch would have appended is not in the log.
        counts: Counter[str] = Counter()
        fresh = []
        told = [(_short(event.key), event) for event in batch]
        known = earlier.keys() & {key for key, _ in told}
        for key, event in told:
            content = _short(canonical(parse(payload_bytes(event.state).decode())))
            if key in known:
                counts["duplicates" if earlier[key] == content else "revisions"] += 1
            else:
                fresh.append(event)
            earlier[key] = content
        counts.update(_append_counted(log, fresh, dry_run=True))
        yield counts


def _short(text: str) -> bytes:
    """Return what stands for a text among millions."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _append(log: SQLiteLog, found: Input, *, dry_run: bool) -> dict[str, int]:
    """Append one file and count its rows."""
    *rows, fetch = found.events
    if _is_known(log, fetch):
        return {"new": 0, "revisions": 0, "duplicates": len(rows)}
    return _append_counted(log, found.events, dry_run=dry_run)


def _is_known(log: SQLiteLog, fetch: NewEvent) -> bool:
    """Tell whether the whole file was taken in before, and what its rows say may be old by now.

    The file's own ledger.fetch event comes last and was appended together with its last rows: the
    newest one says the same. Where it says something else, the importer has learnt more since then.
    """
    before = log.revisions(fetch.key)
    return bool(before) and same_content(before[-1].state, fetch.state)


def _append_counted(log: SQLiteLog, events: list[NewEvent], *, dry_run: bool) -> dict[str, int]:
    """Append events and count them; the fetch event, if it is the last of them, is no row."""
    if not events:
        return {}
    fetch = events[-1]
    is_last = fetch.kind == ledger.FETCH
    before = [event.state for event in log.revisions(fetch.key)] if is_last and dry_run else []
    appended = log.append(events, dry_run=dry_run)
    counts = {
        "new": appended.new,
        "revisions": appended.revisions,
        "duplicates": appended.duplicates,
    }
    if is_last:
        if dry_run:
            known = any(same_content(state, fetch.state) for state in before)
            told = "duplicates" if known else "revisions" if before else "new"
        else:
            told = _told_as(log, fetch, appended.last_position)
        counts[told] -= 1
    return counts


def _told_as(log: SQLiteLog, fetch: NewEvent, last_position: int | None) -> str:
    """Tell what an append took the fetch event for.

    Another process may have taken the same file in between the look and the append.
    """
    last = None if last_position is None else log.event(last_position)
    if last is None or last.key != fetch.key:
        return "duplicates"
    return "new" if last.revision == 1 else "revisions"


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, bytes]]:
    """Give a file and the first bytes of it, which have been read."""
    name = shown(path)
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer, _read(sys.stdin.buffer, HEAD, name)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(_about_unreadable(name, error)) from error
    with file:
        yield file, _read(file, HEAD, name)


def _all(file: BinaryIO, head: bytes, name: str) -> bytes:
    if _is_rewindable(file):
        file.seek(0)
        return _read(file, -1, name)
    return head + _read(file, -1, name)


def _is_rewindable(file: BinaryIO) -> bool:
    # Of standard input somebody else may have read the beginning.
    return file is not sys.stdin.buffer and file.seekable()


def _read(file: BinaryIO, size: int, name: str) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise UsageError(_about_unreadable(name, error)) from error


def _about_unreadable(name: str, error: OSError) -> str:
    return f"{name}: cannot be read: {error.strerror}"


@contextmanager
def _rewindable(file: BinaryIO, head: bytes, name: str) -> Iterator[BinaryIO]:
    """Give a file that can be read twice: itself, or what a pipe brings, on disk."""
    if _is_rewindable(file):
        yield file
        return
    with tempfile.TemporaryFile() as spooled:
        try:
            spooled.write(head)
            while spooled.tell() <= flex.BYTES_MAX and (chunk := _read(file, _SPOOL_BYTES, name)):
                spooled.write(chunk)
        except OSError as error:
            message = f"{name}: cannot be kept in {tempfile.gettempdir()}: {error.strerror}"
            raise CannotDoError(message) from error
        yield spooled


_SPOOL_BYTES: Final = 1024 * 1024


@contextmanager
def _progress(file: BinaryIO) -> Iterator[tuple[flex.Progress, flex.Progress]]:
    """Show on a terminal how much of a file has been read, and read again to append it."""
    console = screen(stderr=True)
    size = file.seek(0, os.SEEK_END)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        tasks = [bar.add_task(what, total=size) for what in ("reading", "appending")]
        yield lambda read: bar.advance(tasks[0], read), lambda read: bar.advance(tasks[1], read)


def _outcome(taken: Taken, projected: Projected, *, dry_run: bool) -> Outcome:
    body: list[RenderableType] = [_table(taken)]
    for entry in taken.files:
        body += [f"{entry['file']}: {note}" for note in _list(entry.get("notes"))]
        if "refused" in entry:
            body.append(f"refused: {entry['refused']}")
    verdict = (
        f"{counted(taken.new, 'new event')}, {counted(taken.revisions, 'revision')}, "
        f"{counted(taken.duplicates, 'duplicate')}"
    )
    if dry_run:
        verdict += " (dry run: nothing was written)"
    body += projected.body
    verdict += projected.verdict
    exit_codes = [projected.exit_code]
    if taken.left_out:
        verdict = f"{counted(taken.left_out, 'row')} under unknown names NOT taken in; {verdict}"
        exit_codes.append(outcome.FOUND)
    if taken.refused:
        verdict = f"{counted(taken.refused, 'file')} refused; {verdict}"
        exit_codes.append(outcome.USAGE)
    data = {
        "dry_run": dry_run,
        "files": taken.files,
        "rows": dict(sorted(taken.rows.items())),
        "new": taken.new,
        "revisions": taken.revisions,
        "duplicates": taken.duplicates,
        "refused": taken.refused,
        "rows_left_out": taken.left_out,
        "projection": projected.data,
    }
    return Outcome(verdict, data, body, max(exit_codes))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _table(taken: Taken) -> Table:
    table = Table("file", "rows", box=None, header_style="bold")
    for name in ("new", "revised", "known"):
        table.add_column(name, justify="right")
    for entry in taken.files:
        rows = entry.get("rows")
        told = (
            ", ".join(f"{count} {kind}" for kind, count in rows.items())
            if isinstance(rows, dict)
            else "refused"
        )
        table.add_row(
            printable(Path(str(entry["file"])).name),
            told or "none",
            *(str(entry.get(name, "")) for name in ("new", "revisions", "duplicates")),
        )
    return table
