"""`ingest`: take files in, each of them whole or not at all, then project."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table

from adapters.files import STANDARD_INPUT, expand, read_input
from adapters.log.sqlite import SQLiteLog
from domain.errors import CannotDoError, UsageError
from domain.event import Owner
from tools import outcome
from tools.book import Book, now
from tools.cells import printable
from tools.outcome import Outcome, counted
from tools.project import project


@dataclass(slots=True)
class Taken:
    """What became of the files."""

    files: list[dict[str, object]] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    new: int = 0
    revisions: int = 0
    duplicates: int = 0
    refused: int = 0


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
        projected = project(book, log) if and_project and not dry_run else None
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
    name = str(path)
    entry: dict[str, object] = {"file": name}
    taken.files.append(entry)
    try:
        found = read_input(_bytes(path), name=name, owner=owner, received_at=now(), as_of=as_of)
    except UsageError as error:
        taken.refused += 1
        entry["refused"] = str(error)
        return
    # The file's own ledger.fetch event comes last and was appended together with its rows: where
    # it is known, the whole file was taken in before, and what it says may be old by now.
    rows = len(found.events) - 1
    counts = {"new": 0, "revisions": 0, "duplicates": rows}
    if not log.revisions(found.events[-1].key):
        appended = log.append(found.events, dry_run=dry_run)
        # Another process may have taken the same file in between the look and the append.
        told_first = dry_run or appended.last_position is not None
        counts = {
            "new": appended.new - told_first,
            "revisions": appended.revisions,
            "duplicates": appended.duplicates - (not told_first),
        }
    taken.rows.update(found.rows)
    taken.new += counts["new"]
    taken.revisions += counts["revisions"]
    taken.duplicates += counts["duplicates"]
    entry |= {"form": found.form, "rows": dict(found.rows), **counts, "notes": found.notes}


def _bytes(path: Path) -> bytes:
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise CannotDoError(message) from error


def _outcome(taken: Taken, projected: Outcome | None, *, dry_run: bool) -> Outcome:
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
    exit_code = outcome.GOOD
    if projected is not None:
        body += projected.body
        verdict += f"; {projected.verdict}"
        exit_code = projected.exit_code
    if taken.refused:
        verdict = f"{counted(taken.refused, 'file')} refused; {verdict}"
        exit_code = outcome.USAGE
    data = {
        "dry_run": dry_run,
        "files": taken.files,
        "rows": dict(sorted(taken.rows.items())),
        "new": taken.new,
        "revisions": taken.revisions,
        "duplicates": taken.duplicates,
        "refused": taken.refused,
        "projection": dict(projected.data) if projected is not None else None,
    }
    return Outcome(verdict, data, body, exit_code)


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
