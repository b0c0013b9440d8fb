"""`verify`: the log against its seals, the seals against anchors, the projection against both."""

from pathlib import Path
from typing import Any

from adapters.log.anchor import check_anchor, write_anchor
from adapters.log.sqlite import SQLiteLog
from adapters.log.verify import verify as verify_log
from tools import outcome
from tools.book import Book, now
from tools.outcome import Outcome, counted


def verify(book: Book, anchor: Path | None, *, dry_run: bool = False) -> Outcome:
    """Recompute every seal. With an anchor file: check it, and note the head in it if all is well.

    Exit code 3 if anything does not verify.
    """
    with book.open_log() as log:
        found = verify_log(log)
        problems = [{"position": p.position, "what": p.what} for p in found.problems]
        problems += _projection_problems(book, log)
        anchored: dict[str, Any] | None = None
        if anchor is not None:
            if anchor.exists():
                problems += [
                    {"position": p.position, "what": p.what} for p in check_anchor(log, anchor)
                ]
            if not problems and found.events and not dry_run:
                noted = write_anchor(log, anchor, now())
                anchored = {"position": noted.position, "digest": noted.digest}
    digest = found.head_digest.hex() if found.head_digest else None
    data = {
        "events": found.events,
        "seals": found.seals,
        "head_digest": digest,
        "problems": problems,
        "anchor": anchored,
    }
    if problems:
        body = [f"position {p['position']}: {p['what']}" for p in problems]
        verdict = f"{counted(len(problems), 'problem')}; the first at {problems[0]['position']}"
        return Outcome(verdict, data, body, outcome.FAILED)
    verdict = (
        f"{counted(found.events, 'event')} under {counted(found.seals, 'seal')} verified, "
        f"head {digest[:16] if digest else 'none'}"
    )
    if anchored:
        verdict += f", noted in {anchor}"
    if dry_run:
        verdict += " (dry run: nothing was written)"
    return Outcome(verdict, data)


def _projection_problems(book: Book, log: SQLiteLog) -> list[dict[str, Any]]:
    current = book.projection_meta()
    if current is None or current.seal_digest is None:
        return []
    seal = log.seal_of(current.watermark)
    if seal is not None and seal.digest.hex() == current.seal_digest:
        return []
    return [
        {
            "position": current.watermark,
            "what": "the projection was built from another log, or from one that was longer: "
            "restore the log, or run `brokertruth rebuild`",
        }
    ]
