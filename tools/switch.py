"""`switch`: make the candidate current, or go back to what was current before."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.log.sqlite import SQLiteLog
from domain.errors import ProjectionError, RebuildNeededError
from replay import meta
from tools import built, shelf, staleness
from tools.book import RULES, Book
from tools.outcome import Outcome, counted


def switch(book: Book, log: SQLiteLog, *, back: bool = False, dry_run: bool = False) -> Outcome:
    """Put the candidate in the place of the current projection, which is kept as the previous one.

    `back` lets current and previous change places. Whoever has a file open keeps reading it.
    Raise UsageError where there is nothing to switch to, ProjectionError where it must not be.
    """
    if dry_run:
        chosen = _checked(book, log, back=back)
        return _told(chosen, _replaced(book, log), back=back, dry_run=True)
    with book.projecting():
        chosen = _checked(book, log, back=back)
        replaced = _replaced(book, log)
        source = book.previous_path if back else book.candidate_path
        shelf.refuse_obstacles(book.standby_path)
        shelf.make_current(source, book.projection_path, keep=replaced.kept)
        # a twin of what was current is of no use any more
        shelf.discard(book.standby_path)
    return _told(chosen, replaced, back=back, dry_run=False)


@dataclass(frozen=True, slots=True)
class _Replaced:
    """What becomes of what was current: whether it is kept, and why there is no way back to it."""

    kept: bool
    no_way_back: str | None = None


def _replaced(book: Book, log: SQLiteLog) -> _Replaced:
    """Look at what is current now. Raise CannotDoError where somebody writes to it."""
    try:
        current = book.current_meta()
    except RebuildNeededError:
        return _Replaced(kept=True, no_way_back="is of another version, or was never finished")
    if current is None:
        return _Replaced(kept=False)
    if current.as_of:
        return _Replaced(kept=True, no_way_back=f"is of the past ({current.as_of})")
    if not staleness.is_of(log, current):
        return _Replaced(kept=True, no_way_back="is of another log")
    return _Replaced(kept=True)


def _told(chosen: meta.Meta, replaced: _Replaced, *, back: bool, dry_run: bool) -> Outcome:
    what = "previous projection" if back else "candidate"
    verdict = f"the {what} is current now, as of position {chosen.watermark:,}"
    if replaced.no_way_back:
        verdict += f"; what was current {replaced.no_way_back}: there is no way back to it"
    elif replaced.kept:
        verdict += "; `brokertruth switch --back` undoes it"
    if dry_run:
        verdict = f"would make the {what} current (dry run: nothing was written)"
    data: dict[str, Any] = {"switched": not dry_run, "back": back, "dry_run": dry_run}
    return Outcome(verdict, data | built.meta_data(chosen))


def _checked(book: Book, log: SQLiteLog, *, back: bool) -> meta.Meta:
    """Return what the projection that was chosen says of itself; refuse it where it must be."""
    path = book.named("previous" if back else "candidate")
    with book.open_projection(path) as connection:
        chosen = meta.read(connection)
    if chosen.as_of:
        _refuse(path, f"it is of the past ({chosen.as_of}) and never current")
    if not staleness.is_of(log, chosen):
        _refuse(path, staleness.ANOTHER_LOG)
    if back:
        return chosen
    if chosen.code_digest != meta.code_digest() or chosen.libraries != meta.libraries():
        _refuse(path, "it was made by other code than this; run `brokertruth rebuild` again")
    if chosen.rules_digest != book.rules.digest:
        _refuse(path, f"{RULES} has changed since; run `brokertruth rebuild` again")
    current = book.projection_meta()
    if current and current.watermark > chosen.watermark and staleness.is_of(log, current):
        why = f"it covers {counted(chosen.watermark, 'event')}, the current one {current.watermark}"
        _refuse(path, f"{why}; run `brokertruth rebuild` again")
    return chosen


def _refuse(path: Path, why: str) -> None:
    message = f"{path}: not switched to: {why}"
    raise ProjectionError(message)
