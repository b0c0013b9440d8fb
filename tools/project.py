"""`project`: bring the projection up to the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import RenderableType

from adapters.log.sqlite import SQLiteLog
from domain.errors import BrokertruthError, ProjectionError, RebuildNeededError
from domain.rules import Rules
from replay.incremental import Advanced
from replay.meta import Meta
from replay.plan import Progress
from replay.rebuild import Rebuilt
from tools import alerts, building, built, outcome, staleness
from tools.book import Book
from tools.outcome import Outcome
from tools.staleness import Stale


@dataclass(frozen=True, slots=True)
class Projected:
    """What projecting came to after something was taken in: the end of a verdict."""

    verdict: str
    data: Mapping[str, object] | None = None
    body: Sequence[RenderableType] = ()
    exit_code: int = outcome.GOOD


NOTHING: Final = Projected("")


def project_after(book: Book, log: SQLiteLog) -> Projected:
    """Project; where that fails, what was appended stays and is still told."""
    try:
        done = project(book, log)
    except BrokertruthError as error:
        data = {"error": type(error).__name__}
        return Projected(f"; projecting failed: {error}", data, (), outcome.FAILED)
    return Projected(f"; {done.verdict}", dict(done.data), done.body, done.exit_code)


def project(book: Book, log: SQLiteLog, *, dry_run: bool = False) -> Outcome:
    """Apply what the log holds behind the projection; leave it alone where that is nothing.

    Where there is no projection, or one that is damaged for good, make it. Raise
    RebuildNeededError where figures may move by anything else than new events: other code or other
    rules are to be looked at first. Raise CannotDoError where it cannot be opened now.
    """
    rules = book.rules
    current = book.current_meta()
    stale = _stale(book, log, current)
    if stale is None:
        return _up_to_date(log, current)
    if dry_run:
        what = "apply what is new" if current else "rebuild"
        verdict = f"would {what}: {stale.because} (dry run: nothing was written)"
        data = {"rebuilt": False, "dry_run": True, "reason": stale.because}
        return Outcome(verdict, data)
    with book.projecting():
        # another process may have projected since
        current = book.current_meta()
        if _stale(book, log, current) is None:
            return _up_to_date(log, current)
        known = built.canaries(book)
        with built.progress() as report:
            made, verdict, because = _made(book, log, rules, current, report)
        found = built.fresh(built.canaries(book), known)
    data = {
        "rebuilt": isinstance(made, Rebuilt),
        **built.counts(made),
        "rebuilt_because": because,
        "new_canaries": found,
        **built.meta_data(made.meta),
    }
    return Outcome(verdict, data, tuple(alerts.of_canaries(found)), built.code(made, found))


def _made(
    book: Book, log: SQLiteLog, rules: Rules, current: Meta | None, report: Progress
) -> tuple[Rebuilt | Advanced, str, str | None]:
    """Return what was made, in words too, and why in full although there was a projection."""
    because = None
    if current is not None:
        try:
            advanced = building.brought_up(book, log, rules, progress=report)
            return advanced, built.in_part(advanced), None
        except RebuildNeededError as error:
            because = str(error)
        except ProjectionError as error:
            message = f"{error}; `brokertruth rebuild` and `switch` make it anew"
            raise ProjectionError(message) from error
    segments = book.segments_of(log)
    other = "" if current else staleness.others(book, rules)
    made = building.in_full(log, book.projection_path, rules, progress=report, segments=segments)
    verdict = f"{built.in_full(made)}{other}"
    return made, f"{verdict}; rebuilt in full: {because}" if because else verdict, because


def _stale(book: Book, log: SQLiteLog, current: Meta | None) -> Stale | None:
    """Return why the projection is stale. Raise RebuildNeededError where events are no cure."""
    stale = staleness.of(book, log, current)
    why = stale.because if stale and stale.needs_rebuild else None
    if current is not None and current.as_of:
        why = f"{book.projection_path.name} is of the past ({current.as_of})"
    if why is not None:
        message = (
            f"{book.folder}: {why}: run `brokertruth rebuild`, which says what moves; "
            "`brokertruth diff` shows it, `brokertruth switch` takes it up"
        )
        raise RebuildNeededError(message)
    return stale


def _up_to_date(log: SQLiteLog, current: Meta | None) -> Outcome:
    data = {"rebuilt": False, **(built.meta_data(current) if current else {})}
    return Outcome(f"projection is up to date at {log.head():,} events", data)
