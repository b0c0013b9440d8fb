"""`spool`: take in what bots have recorded, line by line, and put the files away.

Append first, then move: whatever ends the run, the next one goes on, and no line counts twice.
Exit code 1 for lines that were rejected and for what is left lying, 3 for files that cannot be read
or moved.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rich.console import RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapters.log.sqlite import SQLiteLog
from adapters.spool import files
from adapters.spool.files import Held
from adapters.spool.lines import Raw, line_event, rejected_event
from adapters.words import plain
from domain.errors import BrokertruthError, CannotDoError, NotUnderstoodError
from domain.event import NewEvent
from tools import outcome
from tools.book import Book, now
from tools.cells import printable
from tools.ingest import append_each
from tools.outcome import Outcome, counted, screen, tell
from tools.project import NOTHING, Projected, project_after

BATCH_LINES: Final = 4096
BATCH_BYTES: Final = 8 * 1024 * 1024
_SHOWN_MAX: Final = 20

_Advance = Callable[[int], None]


@dataclass(slots=True)
class Taken:
    """What became of the files of the spool.

    left   what was left lying, with the reason
    wrong  what could not be done
    """

    files: list[dict[str, object]] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(
        default_factory=lambda: Counter({"new": 0, "revisions": 0, "duplicates": 0})
    )
    rejected: int = 0
    rejected_lines: list[dict[str, object]] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The exit code that they deserve."""
        if self.wrong:
            return outcome.FAILED
        return outcome.FOUND if self.rejected or self.left else outcome.GOOD

    @property
    def verdict(self) -> str:
        """The counts; nothing where there was nothing."""
        told = [f"spool: {wrong}" for wrong in self.wrong]
        if self.rejected:
            told.append(f"{counted(self.rejected, 'line')} of the spool REJECTED")
        if self.left:
            told.append(f"{counted(len(self.left), 'thing')} in the spool NOT taken in")
        if self.files:
            new, revisions, duplicates = self.counts.values()
            told.append(
                f"{counted(new, 'new event')}, {counted(revisions, 'revision')}, "
                f"{counted(duplicates, 'duplicate')} from {counted(len(self.files), 'spool file')}"
            )
        return "; ".join(told)

    def lines(self) -> list[str]:
        """Return what people should look at, a line each."""
        told = [f"REJECTED {one['file']}:{one['line']}: {one['reason']}" for one in self._shown()]
        if self.rejected > len(told):
            told.append(f"… and {self.rejected - len(told):,} more: `query 'FROM rejected_line'`")
        told += [f"left {name}: {reason}" for name, reason in self.left.items()]
        return [printable(line) for line in told]

    def _shown(self) -> list[dict[str, object]]:
        return self.rejected_lines[:_SHOWN_MAX]

    def data(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "files": self.files,
            "rows": dict(sorted(self.rows.items())),
            **self.counts,
            "rejected": self.rejected,
            "rejected_lines": self._shown(),
            "left": self.left,
            "errors": self.wrong,
        }


def spool(book: Book, *, dry_run: bool, and_project: bool) -> Outcome:
    """Take the spool in, and project."""
    taken = Taken()
    with book.open_log() as log:
        with told_anyway(taken):
            _take(book, log, taken, dry_run=dry_run)
        projected = project_after(book, log) if and_project and not dry_run else NOTHING
    return _outcome(taken, projected, dry_run=dry_run)


def take_in(book: Book, log: SQLiteLog, *, dry_run: bool = False) -> Taken:
    """Take the spool in before something else is done; what goes wrong is told, never raised."""
    taken = Taken()
    try:
        _take(book, log, taken, dry_run=dry_run)
    except (BrokertruthError, OSError) as error:
        taken.wrong.append(str(error))
    return taken


@contextmanager
def told_anyway(taken: Taken) -> Iterator[None]:
    """Tell what came out of the spool although what is done afterwards fails."""
    try:
        yield
    except BaseException:
        for line in (*taken.lines(), *filter(None, [taken.verdict])):
            tell(line)
        raise


def told_with(taken: Taken, done: Outcome) -> Outcome:
    """Return the outcome of what was done afterwards, with what came out of the spool."""
    if not taken.verdict:
        return done
    return replace(
        done,
        verdict=f"{taken.verdict}; {done.verdict}",
        data={**done.data, "spool": taken.data()},
        body=[*taken.lines(), *done.body],
        exit_code=max(taken.exit_code, done.exit_code),
    )


def _take(book: Book, log: SQLiteLog, taken: Taken, *, dry_run: bool) -> None:
    names, taken.left = files.listed(book.spool_path)
    with _progress(files.size_of(book.spool_path, names)) as advance:
        intake = _Intake(book, taken, advance, dry_run=dry_run)
        # each batch is in the log when the next one is asked for
        for counts in append_each(log, intake.batches(names), dry_run=dry_run):
            taken.counts.update(counts)


@dataclass(slots=True)
class _Intake:
    """Reads files, in order, into batches of events."""

    book: Book
    taken: Taken
    advance: _Advance
    dry_run: bool = field(kw_only=True)

    def batches(self, names: list[str]) -> Iterator[list[NewEvent]]:
        for name in names:
            path = self.book.spool_path / name
            try:
                with files.held(path) as held:
                    yield from self._file(held)
            except NotUnderstoodError as error:
                self.taken.left[name] = str(error)
            except CannotDoError as error:
                if path.exists():
                    self.taken.wrong.append(str(error))

    def _file(self, held: Held) -> Iterator[list[NewEvent]]:
        """Yield the events of a file; when the last ones are in the log, put it away."""
        entry: dict[str, object] = {"file": held.path.name, "rejected": 0}
        self.taken.files.append(entry)
        batch: list[NewEvent] = []
        batch_bytes = lines = 0
        rejected = self.taken.rejected
        for raw in files.lines(held):
            lines = raw.number
            self.advance(raw.size_bytes)
            if raw.text.strip():
                batch.append(self._event(raw, held.path.name))
                batch_bytes += len(batch[-1].state)
            if len(batch) >= BATCH_LINES or batch_bytes >= BATCH_BYTES:
                yield batch
                batch, batch_bytes = [], 0
        yield batch
        entry["lines"], entry["rejected"] = lines, self.taken.rejected - rejected
        entry["state"] = "finished" if held.is_finished else "growing"
        if held.is_finished and not self.dry_run:
            files.put_away(held)

    def _event(self, raw: Raw, name: str) -> NewEvent:
        owner = self.book.owner()
        received_at = now()
        try:
            event = line_event(raw, name, owner, received_at)
        except NotUnderstoodError as error:
            self.taken.rejected += 1
            if len(self.taken.rejected_lines) < _SHOWN_MAX:
                told = {"file": name, "line": raw.number, "reason": plain(str(error))}
                self.taken.rejected_lines.append(told)
            event = rejected_event(raw, str(error), name, owner, received_at)
        self.taken.rows[event.kind] += 1
        return event


@contextmanager
def _progress(size_bytes: int) -> Iterator[_Advance]:
    """Show on a terminal how much has been read."""
    console = screen(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    disable = not (console.is_terminal and size_bytes)
    with Progress(*columns, console=console, transient=True, disable=disable) as bar:
        task = bar.add_task("taking in", total=size_bytes)
        yield lambda read: None if disable else bar.advance(task, read)


def _outcome(taken: Taken, projected: Projected, *, dry_run: bool) -> Outcome:
    body: list[RenderableType] = [_table(taken)] if taken.files else []
    body += [*taken.lines(), *projected.body]
    verdict = taken.verdict or "nothing in the spool"
    if dry_run:
        verdict += " (dry run: nothing was written)"
    verdict += projected.verdict
    data = {"dry_run": dry_run, **taken.data(), "projection": projected.data}
    return Outcome(verdict, data, body, max(taken.exit_code, projected.exit_code))


def _table(taken: Taken) -> Table:
    table = Table("file", "state", box=None, header_style="bold")
    for name in ("lines", "rejected"):
        table.add_column(name, justify="right")
    for entry in taken.files:
        words = (str(entry.get(name, "")) for name in ("file", "state", "lines", "rejected"))
        table.add_row(*words)
    return table
