"""A log with a bit of everything, what is hostile too, and segments of it."""

from pathlib import Path
from typing import Final

from adapters.log.sqlite import SQLiteLog
from adapters.segments import kept
from adapters.segments.kept import KeptSegments
from adapters.segments.segment import Segment
from replay.database import Resources
from replay.plan import AsOf, Plan
from replay.ports import Segments
from replay.rebuild import Rebuilt, rebuild
from tests.books import NOW, BookMaker
from tests.replay.test_skipping import RICH, RULES_MADE

PAGE: Final = 20
SIZE: Final = 100
LIFE: Final = list(dict.fromkeys(RICH))
"""Every event once, so that positions are places in this list."""
KINDS: Final = (
    *("../../evil", "/tmp/evil", "a" * 3000, "", "x'); DROP TABLE chunk; --", "KALSHI.FILL"),
    *("kalshi/fill", "...", "é", "x\ny", "@", "nul", "segment.json", "*", "[a]"),
)
STATES: Final = (
    *(b"", b"\xff\xfe", b"\x00", b"null", b'{"received_at":"2026-01', "é".encode()),
    b'{"received_at":"2026-06-01T00:00:00Z","venue":"kalshi","shape":"\xff","payload":1}',
    b"x" * 10_000_000,
)


def rich_log(books: BookMaker) -> SQLiteLog:
    """Return a log of many kinds, a seal every PAGE events."""
    return books.log(*(LIFE[start : start + PAGE] for start in range(0, len(LIFE), PAGE)))


def hostile_log(books: BookMaker) -> SQLiteLog:
    """Return a log with kinds and states that no importer makes, written behind its back."""
    rows = [(f"kind{n}", 1, kind, b"{}") for n, kind in enumerate(KINDS)]
    for kind in ("odd", "kalshi.fill"):
        rows += [(f"{kind}{n}", 1, kind, state) for n, state in enumerate(STATES)]
    log = books.log(LIFE[:PAGE])
    with log.recorder.datastore.transaction(commit=True) as writing:
        log.recorder.insert_rows(writing.sqlite_cursor, rows)
    log.append(LIFE[PAGE : 2 * PAGE])
    return log


def segmented(folder: Path, log: SQLiteLog, *, until: int | None = None) -> list[Segment]:
    """Make the segments that are missing; return what was made."""
    with kept.changing(folder):
        making = kept.to_make(folder, log, until=until, size=SIZE)
        return kept.make(folder, log, making, lambda _done, _total: None)


def rebuilt(
    log: SQLiteLog,
    target: Path,
    segments: Segments | None = None,
    as_of: AsOf | None = None,
    threads: int = 1,
) -> Rebuilt:
    """Rebuild into a file that is removed again."""
    plan = Plan(
        NOW,
        rules=RULES_MADE,
        resources=Resources(threads=threads),
        as_of=as_of or AsOf(),
        segments=segments,
    )
    made = rebuild(log, target, plan)
    target.unlink()
    return made


def kept_in(folder: Path, log: SQLiteLog) -> KeptSegments:
    """Return the segments of a folder, for one rebuild."""
    return KeptSegments(folder, log)
