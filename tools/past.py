"""`rebuild --as-of-…`: projections of the past, in files of their own that are never current."""

from datetime import UTC, datetime
from pathlib import Path

from adapters.log.sqlite import SQLiteLog
from domain.errors import CannotDoError, UsageError
from replay.plan import AsOf
from tools import building, built, output, shelf
from tools.book import Book
from tools.outcome import Outcome
from tools.rebuilding import Wanted


def rebuild(
    book: Book, log: SQLiteLog, wanted: Wanted, as_of: AsOf, into: Path | None = None
) -> Outcome:
    """Build what the ledger said at a position, or of what had been received or had happened.

    Raise UsageError where the log does not reach that far, or the file is not one to write to.
    """
    if wanted.accept_below is not None:
        message = (
            "--accept-below is about becoming current, which a projection of the past never is"
        )
        raise UsageError(message)
    if into is not None:
        _refuse_empty(into)
    _refuse_beyond(log, as_of)
    target = into or book.as_of_path / f"{_slug(as_of)}.duckdb"
    shelf.refuse_obstacles(target)
    _refuse_unless_ours(book, target)
    rules = book.rules
    with shelf.scratch(_folder(book, target, wanted)) as folder:
        fresh = folder / "projection.duckdb"
        with built.progress() as report:
            made = building.in_full(
                log,
                fresh,
                rules,
                resources=wanted.resources,
                as_of=as_of,
                progress=report,
                segments=wanted.segments_of(book, log),
            )
        if not wanted.dry_run:
            shelf.put(fresh, target)
    verdict = f"{built.in_full(made)}, as of {as_of}"
    if not made.facts and log.head():
        verdict += " (nothing counts that early)"
    if wanted.dry_run:
        verdict = f"would build {target}: {verdict} (dry run: nothing was written)"
    else:
        verdict += f"; `query --on {_name(book, target)}` asks it"
    data = {
        "rebuilt": not wanted.dry_run,
        "dry_run": wanted.dry_run,
        "as_of": str(as_of),
        "output": str(target),
        "current": False,
        **built.counts(made),
        **({} if wanted.dry_run else built.meta_data(made.meta)),
    }
    return Outcome(verdict, data, (), built.code(made, [], lenient=wanted.lenient))


def cut(position: int | None, received: datetime | None, happened: datetime | None) -> AsOf | None:
    """Return what the options name; None where they name nothing. One at a time."""
    if len([one for one in (position, received, happened) if one is not None]) > 1:
        message = "give one of --as-of-position, --as-of-received and --as-of-happened"
        raise UsageError(message)
    as_of = AsOf(position, received, happened)
    return as_of if str(as_of) else None


def refuse_into(into: Path | None) -> None:
    """Refuse a file for a candidate, which lies in the book."""
    if into is not None:
        _refuse_empty(into)
        message = "--into is for projections of the past: add one of the --as-of options"
        raise UsageError(message)


def _refuse_beyond(log: SQLiteLog, as_of: AsOf) -> None:
    head = log.head()
    if as_of.position is not None and as_of.position > head:
        message = f"--as-of-position {as_of.position}: the log ends at {head}"
        raise UsageError(message)


def _refuse_empty(into: Path) -> None:
    # what an empty name becomes
    if into == Path():
        message = "--into is empty: name a file, or leave the option out"
        raise UsageError(message)


def _name(book: Book, target: Path) -> Path:
    """Return what --on finds it by."""
    return target.relative_to(book.folder) if target.parent == book.as_of_path else target


def _slug(as_of: AsOf) -> str:
    moment = as_of.received or as_of.happened
    if moment is None:
        return f"position-{as_of.position}"
    text = moment.astimezone(UTC).isoformat().replace("+00:00", "Z").replace(":", "")
    return f"{'received' if as_of.received else 'happened'}-{text}"


def _refuse_unless_ours(book: Book, target: Path) -> None:
    """Refuse to write among the book's own files, or over anything but a projection of the past."""
    if target.resolve().parent != book.as_of_path.resolve():
        output.refuse_own(book, target, "--into")
    if target.exists():
        told = book.projection_meta(target)
        if told is None or not told.as_of:
            message = f"{target} is in the way, and no projection of the past: name another file"
            raise UsageError(message)


def _folder(book: Book, target: Path, wanted: Wanted) -> Path:
    """Return where to build: where the file will be, or in the book where none is to be written."""
    if wanted.dry_run:
        return book.folder
    if target.parent == book.as_of_path:
        try:
            book.as_of_path.mkdir(exist_ok=True)
        except FileExistsError as error:
            message = f"{book.as_of_path} is no folder: move away what is in its place"
            raise CannotDoError(message) from error
        except OSError as error:
            message = f"cannot write in {book.folder}: {error.strerror}"
            raise CannotDoError(message) from error
    return target.parent
