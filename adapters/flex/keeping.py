"""Statements are kept as they came, byte for byte, in files that only their owner can read.

A statement is written under a temporary name, comes to the disk, and then gets its own name: under
that there is never half of one.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from adapters.flex.service_answers import Document
from domain.errors import CannotDoError

_INCOMING: Final = ".incoming-"
_DIGEST_CHARACTERS: Final = 12
_ODD: Final = re.compile(r"[^0-9A-Za-z]")
_DAY_CHARACTERS_MAX: Final = 12


class Incoming(NamedTuple):
    """A statement on its way, under a temporary name."""

    path: Path
    file: BinaryIO


@contextmanager
def incoming(folder: Path) -> Iterator[Incoming]:
    """Yield a file to write a statement into; it is gone in the end unless it was kept.

    Raise CannotDoError where the folder cannot be written into.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear(folder)
        descriptor, name = _locked(folder)
    except OSError as error:
        message = f"{folder}: statements cannot be kept here: {error.strerror}"
        raise CannotDoError(message) from None
    with os.fdopen(descriptor, "w+b") as file:
        try:
            yield Incoming(Path(name), file)
        finally:
            # nothing is there under this name if it was kept
            Path(name).unlink(missing_ok=True)


def _locked(folder: Path) -> tuple[int, str]:
    """Make a file that no other fetch takes for one that was left behind; return it open."""
    while True:
        # mode 600 whatever the umask is
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=_INCOMING, suffix=".xml")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, name
        # Before it was locked, another fetch has cleared it away.
        os.close(descriptor)


def keep(folder: Path, path: Path, query: str, document: Document) -> Path:
    """Give a whole statement its name; return it. The same bytes have the same name."""
    days = [_day(one.from_date) for one in document.statements]
    days_to = [_day(one.to_date) for one in document.statements]
    digest = document.sha256[:_DIGEST_CHARACTERS]
    target = folder / f"{query}-{min(days)}-{max(days_to)}-{digest}.xml"
    try:
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(target)
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        message = f"{target}: the statement cannot be kept: {error.strerror}"
        raise CannotDoError(message) from None
    return target


def _day(text: str) -> str:
    return _ODD.sub("", text)[:_DAY_CHARACTERS_MAX] or "undated"


def _clear(folder: Path) -> None:
    """Remove what a fetch that was killed has left behind.

    What is being written is locked, and what is gone somebody else has cleared away.
    """
    for path in folder.glob(f"{_INCOMING}*"):
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
