"""Anchors: head digests kept in a file outside the machine.

A log can be cut back to an earlier seal, or rebuilt as a whole, and still verify. It cannot then
agree with an anchor that was taken before. An anchor file holds one JSON object a line:

    {"position": 1234, "digest": "<64 hex digits>", "at": "2026-01-13T00:00:00.000000Z"}

Anchors compare stored seals; only together with `verify`, which recomputes them, they say that the
events up to the anchor are unchanged.
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters.log.verify import Problem
from domain.errors import CannotDoError, UsageError
from domain.event import time_text
from replay.ports import EventLog

_DIGEST: Final = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Anchor:
    """The digest (hex) of the seal that ended at `position` when it was noted, at `at` (UTC)."""

    position: int
    digest: str
    at: str


def write_anchor(log: EventLog, path: Path, at: datetime) -> Anchor:
    """Append the log's last seal to the anchor file, on the disk when this returns.

    Makes the file if there is none. Raise CannotDoError if the log is empty, or if the file holds
    something else than anchors or cannot be written; UsageError if `at` has no time zone.
    """
    if at.tzinfo is None:
        message = f"the time of an anchor needs a time zone: {at}"
        raise UsageError(message)
    seal = log.seal_head()
    if seal is None:
        message = (
            f"{path}: the log is empty, there is nothing to anchor yet; append something first"
        )
        raise CannotDoError(message)
    if path.exists():
        read_anchors(path)
    anchor = Anchor(seal.last, seal.digest.hex(), time_text(at))
    line = json.dumps({"position": anchor.position, "digest": anchor.digest, "at": anchor.at})
    try:
        with path.open("ab") as file:
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _sync_directory(path.absolute().parent)
    except OSError as error:
        message = f"{path}: cannot write the anchor: {error.strerror}; name a file you may write"
        raise CannotDoError(message) from error
    return anchor


def read_anchors(path: Path) -> list[Anchor]:
    """Return the anchors of a file in the order in which they were written.

    Raise CannotDoError if the file cannot be read, or some line is not an anchor.
    """
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        message = f"{path}: cannot read the anchors: {error.strerror}; name an anchor file"
        raise CannotDoError(message) from error
    if text and not text.endswith("\n"):
        message = f"{path}: the last line breaks off; remove that line if you know why, then repeat"
        raise CannotDoError(message)
    lines = text.split("\n")[:-1]
    return [_parse(path, number, line) for number, line in enumerate(lines, 1)]


def check_anchor(log: EventLog, path: Path) -> list[Problem]:
    """Return where the log does not agree with the anchors of a file; empty if it does.

    Raise CannotDoError if the file cannot be read, holds no anchor, or some line is not one.
    """
    anchors = read_anchors(path)
    if not anchors:
        message = f"{path}: the file holds no anchor, so it proves nothing; name another file"
        raise CannotDoError(message)
    problems = []
    for anchor in anchors:
        what = _disagreement(log, anchor)
        if what:
            problems.append(Problem(anchor.position, f"{what} (anchored at {anchor.at})"))
    return problems


def _disagreement(log: EventLog, anchor: Anchor) -> str | None:
    seal = log.seal_of(anchor.position)
    if seal is None:
        return f"the log ends at position {log.head()}, before the anchor: it was cut back"
    if seal.last != anchor.position:
        return f"the log has a seal over {seal.first} to {seal.last}, none that ends at the anchor"
    if seal.digest.hex() != anchor.digest:
        return f"the log's seal is {seal.digest.hex()}, the anchor says {anchor.digest}"
    return None


def _parse(path: Path, number: int, line: str) -> Anchor:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and found.keys() == {"position", "digest", "at"}:
        position, digest, at = found["position"], found["digest"], found["at"]
        good = type(position) is int and position > 0 and isinstance(at, str)
        if good and isinstance(digest, str) and _DIGEST.fullmatch(digest):
            return Anchor(position, digest, at)
    message = f"{path}, line {number}: this is not an anchor: {line[:80]!r}; name an anchor file"
    raise CannotDoError(message)


def _sync_directory(directory: Path) -> None:
    """Make a new file's name durable too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
