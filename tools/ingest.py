"""`ingest`: take files in, each of them whole or not at all, then project."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table

from adapters.files import STANDARD_INPUT, Input, expand, read_input, shown
from adapters.log.sqlite import SQLiteLog
from domain.errors import UsageError
from domain.event import NewEvent, Owner, same_content
from tools import outcome
from tools.book import Book, now
from tools.cells import printable
from tools.outcome import Outcome, counted
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
        found = read_input(_bytes(path), name=name, owner=owner, received_at=now(), as_of=as_of)
    except UsageError as error:
        taken.refused += 1
        entry["refused"] = str(error)
        return
    counts = _append(log, found, dry_run=dry_run)
    taken.left_out += found.left_out
    taken.rows.update(found.rows)
    taken.new += counts["new"]
    taken.revisions += counts["revisions"]
    taken.duplicates += counts["duplicates"]
    entry |= {
        "form": found.form,
        "rows": dict(found.rows),
        "rows_left_out": found.left_out,
        **counts,
        "notes": found.notes,
    }


def _append(log: SQLiteLog, found: Input, *, dry_run: bool) -> dict[str, int]:
    """Append one file and count its rows.

    The file's own ledger.fetch event comes last and was appended together with its rows: where the
    newest one says the same, the whole file was taken in before, and what its rows say may be old
    by now. Where it says something else, the importer has learnt more since then.
    """
    *rows, fetch = found.events
    before = [event.state for event in log.revisions(fetch.key)]
    if before and same_content(before[-1], fetch.state):
        return {"new": 0, "revisions": 0, "duplicates": len(rows)}
    appended = log.append(found.events, dry_run=dry_run)
    counts = {
        "new": appended.new,
        "revisions": appended.revisions,
        "duplicates": appended.duplicates,
    }
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


def _bytes(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()
    except OSError as error:
        message = f"{shown(path)}: cannot be read: {error.strerror}"
        raise UsageError(message) from error


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
