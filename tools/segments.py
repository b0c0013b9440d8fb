"""`segments`: what is read of the log, kept as Parquet files for the next rebuild."""

from typing import Any, Final

import pyarrow as pa

from adapters.segments import kept, verify
from adapters.segments.segment import Segment
from tools import built, outcome, render
from tools.book import Book
from tools.outcome import Outcome, counted

_DRY: Final = " (dry run: nothing was written)"


def listed(book: Book) -> Outcome:
    """List the segments, and how much of the log is in none. Files are not read."""
    with book.open_log() as log:
        found = kept.look(book.segments_path, log, with_files=False)
        head = log.head()
    log_bytes = book.log_path.stat().st_size
    covered = found.good[-1].last if found.good else 0
    size = sum(one.bytes for one in found.good)
    ratio = _ratio(log_bytes * covered, head * size) if size else None
    rows = [_row(one) for one in found.good]
    data = {
        "segments": rows,
        "events": covered,
        "tail_events": head - covered,
        "bytes": size,
        "log_bytes": log_bytes,
        "ratio": ratio,
        "problems": _told(found.problems),
    }
    verdict = f"{counted(len(rows), 'segment')} of {counted(covered, 'event')}"
    verdict += f", {ratio} times smaller than the log" if ratio else ""
    verdict += f"; {counted(head - covered, 'event')} behind them"
    if found.problems:
        verdict += "; what follows is not used: `brokertruth segments make` writes it anew"
    table = [render.as_table(pa.Table.from_pylist(rows), closing=False)] if rows else []
    body = [*table, *_lines(found.problems)]
    return Outcome(verdict, data, body, outcome.FOUND if found.problems else outcome.GOOD)


def make(book: Book, *, until: int | None, dry_run: bool) -> Outcome:
    """Write the segments that are missing, up to the last seal, or the last one up to a position.

    Those that are not good are written anew.
    """
    with book.open_log() as log:
        if dry_run:
            making = kept.to_make(book.segments_path, log, until=until)
            made: list[Segment] = []
        else:
            with kept.changing(book.segments_path), built.progress() as report:
                making = kept.to_make(book.segments_path, log, until=until)
                made = kept.make(
                    book.segments_path,
                    log,
                    making,
                    lambda done, total: report("writing segments", done, total),
                )
    told = f"{counted(len(making.write), 'segment')} of {counted(making.events, 'event')}"
    data = {
        "dry_run": dry_run,
        "made": [_row(one) for one in made],
        "to_make": [{"first": one.first, "last": one.last} for one in making.write],
        "events": making.events,
        "bytes": sum(one.bytes for one in made),
        "kept": len(making.stay),
        "removed": list(making.remove),
    }
    if not making.write:
        verdict = f"nothing to make: {counted(len(making.stay), 'segment')} of what is sealed"
    else:
        verdict = f"{'would make' if dry_run else 'made'} {told}"
        verdict += f", {counted(len(making.stay), 'segment')} stayed" if making.stay else ""
    return Outcome(verdict + (_DRY if dry_run else ""), data)


def drop(book: Book, *, dry_run: bool) -> Outcome:
    """Remove all segments. Nothing is lost: they are made of the log."""
    folder = book.segments_path
    found = kept.ranges(folder)
    if found and not dry_run:
        with kept.changing(folder):
            kept.drop(folder)
    data = {
        "dry_run": dry_run,
        "removed": len(found),
        "events": sum(one.last - one.first + 1 for one in found),
    }
    verdict = f"{'would remove' if dry_run else 'removed'} {counted(len(found), 'segment')}"
    return Outcome(verdict + (_DRY if dry_run else ""), data)


def check(book: Book, *, deep: bool) -> Outcome:
    """Check every segment against what was written and the log's seals; exit 1 if one is wrong."""
    with book.open_log() as log:
        found = verify.verify(book.segments_path, log, deep=deep)
    data = {
        "deep": deep,
        "segments": found.segments,
        "events": found.events,
        "problems": _told(found.problems),
    }
    how = "compared with the log" if deep else "verified"
    verdict = f"{counted(found.segments, 'segment')} of {counted(found.events, 'event')} {how}"
    if found.problems:
        verdict += (
            f": {counted(len(found.problems), 'problem')}; rebuilds read the log instead, "
            "`brokertruth segments make` writes them anew"
        )
    code = outcome.FOUND if found.problems else outcome.GOOD
    return Outcome(verdict, data, _lines(found.problems), code)


def _ratio(one: int, other: int) -> str:
    tenths = one * 10 // other
    return f"{tenths // 10}.{tenths % 10}"


def _row(segment: Segment) -> dict[str, Any]:
    return {
        "first": segment.first,
        "last": segment.last,
        "events": segment.events,
        "kinds": len(segment.content.files),
        "bytes": segment.bytes,
    }


def _told(problems: tuple[kept.Problem, ...]) -> list[dict[str, str]]:
    return [one._asdict() for one in problems]


def _lines(problems: tuple[kept.Problem, ...]) -> list[str]:
    return [f"{one.segment}: {one.what}" for one in problems]
