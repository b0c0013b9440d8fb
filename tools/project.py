"""`project` and `rebuild`: bring the projection up to the log, or make it anew."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from rich.console import RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.log.sqlite import SQLiteLog
from domain.errors import BrokertruthError, CannotDoError, UsageError
from replay import money
from replay.database import Resources, open_for_reading
from replay.meta import Meta, code_digest
from replay.money import Moved
from replay.plan import Plan
from replay.plan import Progress as Report
from replay.rebuild import Rebuilt
from replay.rebuild import rebuild as replay_all
from tools import alerts, findings, moving, outcome
from tools.book import Book, now
from tools.outcome import Outcome, counted, screen


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
    """Rebuild if the log, the code or the configuration moved on; otherwise leave it alone."""
    rules = book.rules
    current = book.projection_meta()
    reason = book.stale_because(log, current)
    if reason is None:
        data = {"rebuilt": False, **(_meta(current) if current else {})}
        return Outcome(f"projection is up to date at {log.head():,} events", data)
    if dry_run:
        verdict = f"would rebuild: {reason} (dry run: nothing was written)"
        return Outcome(verdict, {"rebuilt": False, "dry_run": True, "reason": reason})
    # new events move money, as they should; other rules and other code are to be looked at
    other_rules = current is not None and (
        current.rules_digest != rules.digest or current.code_digest != code_digest()
    )
    return _rebuilt(book, log, Resources(), lenient=False, comparing=other_rules)


def rebuild(
    book: Book, log: SQLiteLog, *, resources: Resources, lenient: bool, dry_run: bool
) -> Outcome:
    """Rebuild from the first event, and tell which money moved.

    Unreadable events make the exit code 1, unless lenient. A dry run does it all beside the book,
    and exits as the rebuild would.
    """
    if dry_run:
        return _tried(book, log, resources, lenient=lenient)
    return _rebuilt(book, log, resources, lenient=lenient, comparing=True)


def _tried(book: Book, log: SQLiteLog, resources: Resources, *, lenient: bool) -> Outcome:
    """Rebuild into a folder that is removed again, and compare."""
    rules = book.rules
    reason = book.stale_because(log, book.projection_meta())
    known = _names(_canaries(book))
    with moving.scratch(book.folder) as folder:
        before = moving.kept(book.projection_path, folder)
        candidate = folder / "after.duckdb"
        with _progress() as report:
            plan = Plan(built_at=now(), rules=rules, resources=resources, progress=report)
            made = replay_all(log, candidate, plan)
        moved = money.compare(before, candidate, resources=resources)
        with open_for_reading(candidate) as connection:
            fresh = [one for one in findings.canaries(connection) if _named(one) not in known]
    data = {
        "rebuilt": False,
        "dry_run": True,
        "reason": reason,
        **_counts(made),
        "new_canaries": fresh,
        **moving.as_data(moved),
    }
    would = f"would rebuild: {_made(made)}; {moving.verdict(moved, would=True)}"
    verdict = f"{would} (dry run: nothing was written)"
    body: list[RenderableType] = list(alerts.of_canaries(fresh))
    if reason:
        body.append(f"because {reason}:")
    if moved.lines:
        body.append(moving.as_table(moved))
    return Outcome(verdict, data, tuple(body), _code(made, fresh, lenient=lenient))


def _rebuilt(
    book: Book, log: SQLiteLog, resources: Resources, *, lenient: bool, comparing: bool
) -> Outcome:
    """Rebuild, and tell what looks wrong now and did not before."""
    known = _names(_canaries(book))
    made, moved = (
        _compared(book, log, resources) if comparing else (_rebuild(book, log, resources), None)
    )
    fresh = [one for one in _canaries(book) if _named(one) not in known]
    return _told(made, fresh, moved, lenient=lenient)


def _compared(book: Book, log: SQLiteLog, resources: Resources) -> tuple[Rebuilt, Moved]:
    with moving.scratch(book.folder) as folder:
        before = moving.kept(book.projection_path, folder)
        made = _rebuild(book, log, resources)
        return made, money.compare(before, book.projection_path, resources=resources)


def _names(canaries: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    return {_named(one) for one in canaries}


def _named(canary: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(canary[name]) for name in ("venue", "account", "mode", "rule", "subject"))


def _canaries(book: Book) -> list[dict[str, Any]]:
    """Return what looks wrong; nothing where no projection can be asked."""
    try:
        with book.open_projection() as connection:
            return findings.canaries(connection)
    except (CannotDoError, UsageError):
        # there is none yet, or one of a version without canaries
        return []


def _rebuild(book: Book, log: SQLiteLog, resources: Resources) -> Rebuilt:
    with _progress() as report:
        return book.rebuild(log, resources=resources, progress=report)


def _told(
    made: Rebuilt, canaries: list[dict[str, Any]], moved: Moved | None, *, lenient: bool
) -> Outcome:
    verdict = _made(made)
    body: list[RenderableType] = list(alerts.of_canaries(canaries))
    if moved is not None and (moved.by_rules or moved.unknown not in (None, money.NONE_YET)):
        verdict += f"; {moving.verdict(moved)}"
        if moved.anything:
            body.append(moving.as_table(moved))
    data = {
        "rebuilt": True,
        **_counts(made),
        "new_canaries": canaries,
        **(moving.as_data(moved) if moved else {}),
        **_meta(made.meta),
    }
    return Outcome(verdict, data, tuple(body), _code(made, canaries, lenient=lenient))


def _code(made: Rebuilt, canaries: list[dict[str, Any]], *, lenient: bool) -> int:
    bad = made.unreadable > 0 or made.unknown_shapes + made.additive_shapes > 0
    return outcome.FOUND if canaries or (bad and not lenient) else outcome.GOOD


def _made(made: Rebuilt) -> str:
    told = f"{counted(made.facts, 'fact')} from {counted(made.events, 'event')}"
    found = []
    if made.unreadable:
        found.append(f"{counted(made.unreadable, 'event')} unreadable")
    if made.unknown_shapes + made.additive_shapes:
        drifted = made.unknown_shapes + made.additive_shapes
        found.append(f"{counted(drifted, 'shape')} drifted")
    return (
        f"{told}, {', '.join(found)} (see `brokertruth drift` and `unreadable`)" if found else told
    )


def _counts(made: Rebuilt) -> dict[str, Any]:
    return {
        "events": made.events,
        "facts": made.facts,
        "unreadable": made.unreadable,
        "unknown_shapes": made.unknown_shapes,
        "additive_shapes": made.additive_shapes,
    }


def _meta(meta: Meta) -> dict[str, Any]:
    return {
        "watermark": meta.watermark,
        "fingerprint": meta.fingerprint,
        "content_fingerprint": meta.content_fingerprint,
        "seal_digest": meta.seal_digest,
        "code_digest": meta.code_digest,
        "rules_version": meta.rules_version,
        "built_at": meta.built_at.isoformat(),
    }


@contextmanager
def _progress() -> Iterator[Report]:
    """Show a bar on a terminal; say nothing elsewhere (the verdict says it all)."""
    console = screen(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("starting", total=0)

    def report(what: str, done: int, total: int) -> None:
        bar.update(task, description=what, completed=done, total=total)

    with bar:
        yield report
