"""`verify`: the log against its seals, the seals against anchors, the projection against both."""

from pathlib import Path
from typing import Any

from adapters.log.anchor import check_anchor, read_anchors, write_anchor
from adapters.log.sqlite import SQLiteLog
from adapters.log.verify import Problem
from adapters.log.verify import verify as verify_log
from domain.errors import CannotDoError, UsageError
from replay import meta
from tools import outcome, staleness
from tools.book import Book, now
from tools.outcome import Outcome, counted


def verify(
    book: Book, anchor: Path | None, *, new_anchor: bool = False, dry_run: bool = False
) -> Outcome:
    """Recompute every seal. With an anchor file: check it, and note the head in it if all is well.

    `new_anchor` makes that file. Exit code 3 if anything does not verify.
    """
    _refuse_wrong(anchor, new_anchor=new_anchor)
    with book.open_log() as log:
        found = verify_log(log)
        problems = list(found.problems)
        if anchor is not None and not new_anchor:
            problems += check_anchor(log, anchor)
        log_is_good = not problems
        problems += _projection_problems(book, log)
        anchored, noted = None, ""
        if anchor is not None and not problems and not dry_run:
            anchored, noted = _note(log, anchor)
    digest = found.head_digest.hex() if found.head_digest else None
    data = {
        "events": found.events,
        "seals": found.seals,
        "head_digest": digest,
        "problems": [{"position": p.position, "what": p.what} for p in problems],
        "anchor": anchored,
    }
    verdict = (
        f"{counted(found.events, 'event')} under {counted(found.seals, 'seal')} verified, "
        f"head {digest[:16] if digest else 'none'}{noted}"
    )
    if problems:
        body = [f"position {p.position}: {p.what}" for p in problems]
        told = f"{counted(len(problems), 'problem')}; the first at {problems[0].position}"
        told += f"; the log itself: {verdict}" if log_is_good else ""
        return Outcome(told, data, body, outcome.FAILED)
    if dry_run:
        verdict += " (dry run: nothing was written)"
    return Outcome(verdict, data)


def _refuse_wrong(anchor: Path | None, *, new_anchor: bool) -> None:
    """Raise UsageError for a file that is missing, or that is there and should be made."""
    if anchor is None:
        if new_anchor:
            message = "--new-anchor needs --anchor FILE"
            raise UsageError(message)
        return
    if new_anchor and anchor.exists():
        message = f"{anchor} is there already: leave --new-anchor out, or name another file"
        raise UsageError(message)
    if not new_anchor and not anchor.exists():
        message = (
            f"there is no anchor file {anchor}, so nothing was compared: correct the name, or add "
            "--new-anchor to make the first one"
        )
        raise UsageError(message)


def _note(log: SQLiteLog, anchor: Path) -> tuple[dict[str, Any] | None, str]:
    """Note the head in the file, unless it is its last anchor; return the anchor and a remark."""
    head = log.seal_head()
    if head is None:
        return None, f"; nothing to note in {anchor} yet"
    last = read_anchors(anchor)[-1] if anchor.exists() else None
    if last is not None and (last.position, last.digest) == (head.last, head.digest.hex()):
        return {"position": last.position, "digest": last.digest}, f", already noted in {anchor}"
    made = write_anchor(log, anchor, now())
    return {"position": made.position, "digest": made.digest}, f", noted in {anchor}"


def _projection_problems(book: Book, log: SQLiteLog) -> list[Problem]:
    if not book.projection_path.exists():
        return []
    try:
        with book.open_projection() as connection:
            current = meta.read(connection)
    except CannotDoError as error:
        return [Problem(0, f"the projection cannot be read: {error}; `brokertruth rebuild`")]
    if staleness.is_of(log, current):
        return []
    what = (
        "the projection was built from another log, or from one that was longer: restore the log, "
        "or run `brokertruth rebuild` and `brokertruth switch`"
    )
    return [Problem(current.watermark, what)]
