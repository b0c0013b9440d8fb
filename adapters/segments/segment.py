"""A segment: the events of a range of positions, one Parquet file a kind, and its certificate.

    000000000001-000001000000/          first and last position; the last one ends a seal
        kalshi.fill.parquet             position, key, revision, shape, month, state, raw
        segment.json                    rows and SHA-256 of each file, the log's seal, the chain

`shape`, `month` and `state` are those of `projections/census/chunk.sql`; `raw` has the bytes of a
state that is no UTF-8. The digest of a segment is the SHA-256 of what it says of itself, which
includes the digest of the one before it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from projections import sql

FORMAT: Final = 1
CERTIFICATE: Final = "segment.json"
SCHEMA: Final = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("revision", pa.int64(), nullable=False),
        pa.field("shape", pa.string(), nullable=False),
        pa.field("month", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("raw", pa.binary()),
    ]
)
_FOLDER: Final = re.compile(r"([0-9]{12,18})-([0-9]{12,18})")
_PLAIN: Final = re.compile(r"[a-z0-9_]{1,60}(\.[a-z0-9_]{1,60}){0,2}")
_CERTIFICATE_BYTES: Final = 64 * 2**20


class BadSegmentError(Exception):
    """A segment is not what it should be; the text says why."""


class File(BaseModel):
    """What a segment says about one of its files."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rows: int
    bytes: int
    sha256: str


class Content(BaseModel):
    """What a segment says about itself.

    derived    digest of the SQL that made shape, month and state
    first      its first position; `last` its last one
    seal       the log's seal at `last`
    previous   digest of the segment before it, '' of the first
    files      by kind
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: int
    derived: str
    first: int
    last: int
    seal: str
    previous: str
    files: Mapping[str, File]

    def canonical(self) -> str:
        """Return it as text, the same for the same content."""
        told = self.model_dump(mode="json")
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    def digest(self) -> str:
        """Return the digest, which the next segment holds."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment in a folder."""

    folder: Path
    content: Content
    digest: str = field(compare=False)

    @property
    def first(self) -> int:
        """The first position."""
        return self.content.first

    @property
    def last(self) -> int:
        """The last position."""
        return self.content.last

    @property
    def events(self) -> int:
        """How many events it holds."""
        return self.last - self.first + 1

    @property
    def bytes(self) -> int:
        """How large its files are together."""
        return sum(one.bytes for one in self.content.files.values())

    def paths(self) -> dict[str, Path]:
        """Return the files by kind."""
        return {kind: self.folder / file_name(kind) for kind in self.content.files}


def derivation() -> str:
    """Return the digest of the SQL by which the columns of a segment are made."""
    return hashlib.sha256(sql.text("census", "chunk").encode()).hexdigest()


def folder_name(first: int, last: int) -> str:
    """Return the name of a segment's folder."""
    return f"{first:012d}-{last:012d}"


def range_of(name: str) -> tuple[int, int] | None:
    """Return first and last position by the name of a folder, None where it is no segment's."""
    found = _FOLDER.fullmatch(name)
    if found is None or folder_name(int(found[1]), int(found[2])) != name:
        return None
    return int(found[1]), int(found[2])


def file_name(kind: str) -> str:
    """Return the name of a kind's file. Whatever the kind is called, it is one name, and its own.

    A kind that is no plain word is called by its digest: names of files can be too long, lead
    elsewhere, or be one where capitals do not count.
    """
    if _PLAIN.fullmatch(kind):
        return f"{kind}.parquet"
    return f"@{hashlib.sha256(kind.encode()).hexdigest()}.parquet"


def certify(content: Content) -> str:
    """Return the text of a certificate."""
    told = {"segment": content.model_dump(mode="json"), "digest": content.digest()}
    return json.dumps(told, sort_keys=True, indent=1, ensure_ascii=True) + "\n"


class _Certificate(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    segment: Content
    digest: str


def read(folder: Path) -> Segment:
    """Return the segment of a folder, as far as it can be judged by itself, its files aside.

    Raise BadSegmentError where it is none.
    """
    path = folder / CERTIFICATE
    try:
        with path.open("rb") as file:
            text = file.read(_CERTIFICATE_BYTES)
        certificate = _Certificate.model_validate_json(text)
    except (OSError, ValidationError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is damaged"
        message = f"{CERTIFICATE} cannot be read: {why}"
        raise BadSegmentError(message) from error
    content = certificate.segment
    if content.format != FORMAT or content.derived != derivation():
        message = "it was made by another version"
        raise BadSegmentError(message)
    if content.digest() != certificate.digest:
        message = f"{CERTIFICATE} was edited: its digest is another"
        raise BadSegmentError(message)
    if (content.first, content.last) != range_of(folder.name):
        message = f"it holds {content.first:,} to {content.last:,}, not what its name says"
        raise BadSegmentError(message)
    segment = Segment(folder, content, certificate.digest)
    if sum(one.rows for one in content.files.values()) != segment.events:
        message = f"its files do not hold {segment.events:,} events"
        raise BadSegmentError(message)
    return segment


def refuse_changed(segment: Segment) -> None:
    """Raise BadSegmentError where a file is missing or not, byte for byte, what was written."""
    for kind, path in segment.paths().items():
        told = segment.content.files[kind]
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            message = f"{path.name} cannot be read: {error.strerror}"
            raise BadSegmentError(message) from error
        if digest != told.sha256:
            message = f"{path.name} is not what was written"
            raise BadSegmentError(message)
