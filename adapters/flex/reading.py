"""A whole file, read twice: first to see that all of it is right, then to make its events.

The two readings must see the same bytes: each chunk of the second is compared with the digest
that the first has taken of it, before anything is made of it.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO, Final

from adapters.files.paths import shown
from adapters.files.rows import fetch_event
from adapters.flex import notes as telling
from adapters.flex.parsing import steps
from adapters.flex.rows import Row, rows
from domain.errors import CannotDoError, NotUnderstoodError, UsageError
from domain.event import NewEvent, Origin, Owner, make_event, time_text
from domain.ibkr.statements import STATEMENT
from domain.jsontext import Integer
from domain.kinds import identity_of
from domain.shapes import shape_of

ADAPTER: Final = "flex/1"
BYTES_MAX: Final = 2 * 1024**3
BATCH_ROWS: Final = 10_000
_CHUNK_BYTES: Final = 256 * 1024

Progress = Callable[[int], None]
"""Called with the bytes that were read since the last call."""


def silent(_bytes: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first reading of a file found.

    document  what identifies the file: the digest of its bytes
    counts    kind -> rows
    notes     for the user
    """

    name: str
    book: Owner
    document: str
    counts: Mapping[str, int]
    notes: list[str]
    chunks: list[bytes] = field(repr=False)

    @property
    def rows(self) -> int:
        """How many events there will be, the fetch event apart."""
        return sum(self.counts.values())

    def fetch(self, received_at: datetime) -> NewEvent:
        """Return the event that says what was taken in."""
        counts = {"pages": Integer(0), "rows": Integer(self.rows)}
        return fetch_event(self._origin(received_at), self.name, counts)

    def _origin(self, received_at: datetime) -> Origin:
        source = {"adapter": ADAPTER, "document": self.document}
        return Origin(owner=self.book, venue="ledger", received_at=received_at, source=source)


def survey(
    file: BinaryIO,
    *,
    name: str,
    book: Owner,
    bytes_max: int = BYTES_MAX,
    progress: Progress = silent,
) -> Survey:
    """Read a whole file and refuse what is wrong with it; `file` must be one that can be rewound.

    Raise NotUnderstoodError for what is no statement or broken anywhere, UsageError for an account
    that does not belong into the book.
    """
    named = shown(name)
    digest = hashlib.sha256()
    chunks: list[bytes] = []

    def read() -> Iterator[bytes]:
        size = 0
        for chunk in _chunks(file, named, progress):
            size += len(chunk)
            if size > bytes_max:
                message = (
                    f"more than {bytes_max:,} bytes, which is the most that is read; let the Flex "
                    "query cover a shorter period"
                )
                raise NotUnderstoodError(message)
            digest.update(chunk)
            chunks.append(hashlib.sha256(chunk).digest())
            yield chunk

    tally: Counter[tuple[str, str]] = Counter()
    left_out: list[str] = []
    try:
        for row in rows(steps(read()), book, left_out):
            tally[row.kind.name, row.section] += 1
    except UsageError as error:
        raise type(error)(f"{named}: {error}") from error.__cause__
    counts: Counter[str] = Counter()
    for (kind, _), number in tally.items():
        counts[kind] += number
    document = f"sha256:{digest.hexdigest()}"
    said = [*telling.notes(tally), *left_out]
    return Survey(named, book, document, dict(sorted(counts.items())), said, chunks)


def batches(
    file: BinaryIO,
    seen: Survey,
    *,
    received_at: datetime,
    batch_rows: int = BATCH_ROWS,
    progress: Progress = silent,
) -> Iterator[list[NewEvent]]:
    """Yield the events of a file that was surveyed: its rows in order, then one `ledger.fetch`.

    Raise CannotDoError where the file is no longer what it was.
    """

    def read() -> Iterator[bytes]:
        known = iter(seen.chunks)
        for chunk in _chunks(file, seen.name, progress):
            if hashlib.sha256(chunk).digest() != next(known, None):
                raise CannotDoError(_about_change(seen.name))
            yield chunk
        if next(known, None) is not None:
            raise CannotDoError(_about_change(seen.name))

    maker = _Maker(seen, received_at)
    batch: list[NewEvent] = []
    for row in rows(steps(read()), seen.book, []):
        if len(batch) == batch_rows:
            yield batch
            batch = []
        batch.append(maker.event(row))
    batch.append(seen.fetch(received_at))
    yield batch


def _chunks(file: BinaryIO, name: str, progress: Progress) -> Iterator[bytes]:
    file.seek(0)
    while chunk := _read(file, name):
        progress(len(chunk))
        yield chunk


def _read(file: BinaryIO, name: str) -> bytes:
    try:
        return file.read(_CHUNK_BYTES)
    except OSError as error:
        message = f"{name}: cannot be read any further: {error.strerror}"
        raise CannotDoError(message) from error


def _about_change(name: str) -> str:
    return (
        f"{name}: the file was changed while it was read; wait until it is written and ingest it "
        "again, what has been appended of it stays as it is"
    )


class _Maker:
    """Makes events of rows, and remembers what is the same for neighbours."""

    def __init__(self, seen: Survey, received_at: datetime) -> None:
        self._source = {"adapter": ADAPTER, "document": seen.document}
        self._received_at = received_at
        self._origins: dict[tuple[str, str, str], Origin] = {}
        self._seen: Counter[tuple[str, str, str]] = Counter()

    def event(self, row: Row) -> NewEvent:
        """Return the event of a row."""
        kind, attributes, owner, element, _, as_of = row
        moment = None if as_of is None else time_text(as_of)
        identity = identity_of(kind, attributes, as_of_text=moment)
        if "content-" in identity:
            told = owner.account, kind.name, identity
            self._seen[told] += 1
            identity = identity_of(kind, attributes, as_of_text=moment, nth=self._seen[told])
        place = owner.account, kind.venue, element
        origin = self._origins.get(place)
        if origin is None:
            origin = self._origins[place] = self._origin(row)
        text = _compact(attributes)
        if kind.name == STATEMENT:
            # Equal rows of one statement are several; those of the next one are told again.
            self._seen.clear()
            self._origins.clear()
        shape = _shape(tuple(attributes))
        return make_event(origin, kind.name, identity, shape, text, as_of=as_of)

    def _origin(self, row: Row) -> Origin:
        source = {**self._source, "element": row.element}
        if row.statement is not None:
            source["statement"] = row.statement
        return Origin(row.owner, row.kind.venue, self._received_at, source)


@lru_cache(maxsize=1024)
def _shape(names: tuple[str, ...]) -> str:
    """Return the shape of a row, whose values are all text."""
    return shape_of(dict.fromkeys(names, ""))


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
