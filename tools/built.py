"""What there is to say of a projection that was made: counts, what looks wrong, the exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from domain.errors import CannotDoError, UsageError
from replay.incremental import Advanced
from replay.meta import Meta
from replay.plan import Progress as Report
from replay.rebuild import Rebuilt
from tools import findings, outcome
from tools.book import Book
from tools.outcome import counted, screen

Canaries = list[dict[str, Any]]


def canaries(book: Book, path: Path | None = None) -> Canaries:
    """Return what looks wrong; nothing where no projection can be asked."""
    try:
        with book.open_projection(path) as connection:
            return findings.canaries(connection)
    except (CannotDoError, UsageError):
        # there is none yet, or one of a version without canaries
        return []


def fresh(found: Canaries, known: Canaries) -> Canaries:
    """Return what looks wrong and did not before."""
    names = {_named(one) for one in known}
    return [one for one in found if _named(one) not in names]


def _named(canary: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(canary[name]) for name in ("venue", "account", "mode", "rule", "subject"))


def code(made: Rebuilt | Advanced, new_canaries: Canaries, *, lenient: bool = False) -> int:
    """Return the exit code: whether something was found."""
    bad = made.unreadable + made.unknown_shapes + made.additive_shapes > 0
    return outcome.FOUND if new_canaries or (bad and not lenient) else outcome.GOOD


def in_full(made: Rebuilt) -> str:
    """Return what came of a full build, in a few words."""
    told = f"{counted(made.facts, 'fact')} from {counted(made.events, 'event')}{_left_out(made)}"
    return f"{told}; {made.warning}" if made.warning else told


def in_part(made: Advanced) -> str:
    """Return what came of new events, in a few words."""
    told = f"{counted(made.facts, 'fact')} from {counted(made.events, 'new event')}"
    return f"{told}, {made.meta.watermark:,} in all{_left_out(made)}"


def _left_out(made: Rebuilt | Advanced) -> str:
    told = outcome.left_out(made.unreadable, made.unknown_shapes + made.additive_shapes)
    return f", {told} (see `brokertruth drift` and `unreadable`)" if told else ""


def counts(made: Rebuilt | Advanced) -> dict[str, Any]:
    """Return the counts, for programs."""
    kept, warning = (made.from_segments, made.warning) if isinstance(made, Rebuilt) else (0, "")
    return {
        "from_segments": kept,
        "segments_warning": warning or None,
        "events": made.events,
        "facts": made.facts,
        "unreadable": made.unreadable,
        "unknown_shapes": made.unknown_shapes,
        "additive_shapes": made.additive_shapes,
    }


def meta_data(meta: Meta) -> dict[str, Any]:
    """Return what a projection says about itself, for programs."""
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
def progress() -> Iterator[Report]:
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
