"""`record`: append what a script knows straight to the log, all of it or nothing."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from adapters.files.content import decode
from adapters.spool.lines import KEY_LENGTH_MAX, VENUES, payload_event
from domain import jsontext
from domain.bot import PAYLOADS
from domain.errors import CannotDoError, NotUnderstoodError, UsageError
from domain.event import NewEvent, Origin, Owner
from domain.jsontext import JsonTextError, Slice
from tools.book import Book, now
from tools.outcome import Outcome, counted
from tools.project import NOTHING, project_after

ADAPTER: Final = "record/1"
STANDARD_INPUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    kind: str
    file: str
    venue: str
    owner: Owner
    key: str | None = None
    and_project: bool = True
    dry_run: bool = False


def record(book: Book, wanted: Wanted) -> Outcome:
    """Append payloads of one kind: a JSON object, or several behind each other."""
    _refuse_unknown(wanted)
    data = _read(wanted.file)
    try:
        # what is told again by another run is told anew
        events = list(_events(decode(data), uuid4().hex, wanted))
    except NotUnderstoodError as error:
        message = f"{_name(wanted.file)}: {error}; nothing was appended"
        raise NotUnderstoodError(message) from None
    with book.open_log() as log:
        appended = log.append(events, dry_run=wanted.dry_run)
        projecting = wanted.and_project and not wanted.dry_run
        projected = project_after(book, log) if projecting else NOTHING
    verdict = (
        f"{counted(appended.new, 'new event')}, {counted(appended.revisions, 'revision')}, "
        f"{counted(appended.duplicates, 'duplicate')}"
    )
    if wanted.dry_run:
        verdict += " (dry run: nothing was written)"
    told = {
        "dry_run": wanted.dry_run,
        "rows": dict(Counter(event.kind for event in events)),
        "keys": [event.key for event in events],
        "new": appended.new,
        "revisions": appended.revisions,
        "duplicates": appended.duplicates,
        "projection": projected.data,
    }
    return Outcome(verdict + projected.verdict, told, projected.body, projected.exit_code)


def _refuse_unknown(wanted: Wanted) -> None:
    if wanted.kind not in PAYLOADS:
        message = f"kind {wanted.kind!r} is not known; there are {', '.join(PAYLOADS)}"
        raise UsageError(message)
    if wanted.venue not in VENUES:
        message = f"--venue {wanted.venue!r}: use one of {', '.join(VENUES)}"
        raise UsageError(message)
    if wanted.key is not None and not 0 < len(wanted.key) <= KEY_LENGTH_MAX:
        message = f"--key: name something in 1 to {KEY_LENGTH_MAX} characters, or leave it out"
        raise UsageError(message)


def _read(file: str) -> bytes:
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        message = f"{file}: cannot be read: {error}"
        raise CannotDoError(message) from error


def _name(file: str) -> str:
    return "standard input" if file == STANDARD_INPUT else file


def _events(text: str, document: str, wanted: Wanted) -> Iterator[NewEvent]:
    payloads = list(_payloads(text))
    if not payloads:
        raise NotUnderstoodError("no payload: a JSON object is expected, or one a line")
    if wanted.key is not None and len(payloads) > 1:
        message = f"--key names one payload, and here are {len(payloads)}"
        raise NotUnderstoodError(message)
    received_at = now()
    for number, payload in enumerate(payloads, 1):
        source: dict[str, str | int] = {"adapter": ADAPTER, "document": document, "line": number}
        origin = Origin(wanted.owner, wanted.venue, received_at, source)
        try:
            yield payload_event(wanted.kind, payload, origin, wanted.key)
        except NotUnderstoodError as error:
            message = f"payload {number}: {error}"
            raise NotUnderstoodError(message) from None


def _payloads(text: str) -> Iterator[Slice]:
    at = jsontext.skip_space(text, 0)
    while at < len(text):
        try:
            value, end = jsontext.parse_at(text, at)
        except JsonTextError as error:
            raise NotUnderstoodError(str(error)) from None
        yield Slice(value, text[at:end])
        at = jsontext.skip_space(text, end)
