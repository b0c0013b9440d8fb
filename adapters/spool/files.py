"""The folder of the spool: its files, their lines, and where a file goes when it has been read.

A writer holds a lock on its file for as long as it lives. A file without a lock is finished: nobody
will ever write to it again.
"""

import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from adapters.spool.lines import LINE_BYTES_MAX, TEXT_BYTES_MAX, Raw
from domain.errors import CannotDoError, NotUnderstoodError

TAKEN: Final = "taken"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.jsonl")


@dataclass(frozen=True, slots=True)
class Held:
    """A file that is open for reading; it stays locked until it is closed where it is finished."""

    path: Path
    file: BinaryIO
    is_finished: bool
    size_bytes: int


def listed(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Return the names of the files, the oldest first; and of what is none, with the reason."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return [], {}
    except OSError as error:
        message = f"{folder}: cannot be read: {error.strerror}"
        raise CannotDoError(message) from error
    files, others = [], {}
    for entry in found:
        if entry.is_symlink():
            others[entry.name] = "a link; put the file itself here"
        elif entry.is_dir():
            if entry.name != TAKEN:
                others[entry.name] = "a folder"
        elif not _NAME.fullmatch(entry.name):
            others[entry.name] = "not named like a spool file: letters, digits, '._-', then .jsonl"
        elif not entry.is_file():
            others[entry.name] = "no plain file"
        else:
            files.append(entry.name)
    return files, others


def size_of(folder: Path, names: list[str]) -> int:
    """Return how many bytes the files hold together, as far as they are still there."""
    size_bytes = 0
    for name in names:
        # another intake may move it just now
        with suppress(OSError):
            size_bytes += (folder / name).stat().st_size
    return size_bytes


@contextmanager
def held(path: Path) -> Iterator[Held]:
    """Open a file, locked where its writer is gone.

    Raise NotUnderstoodError where it is no file, CannotDoError where it cannot be read.
    """
    try:
        # no waiting for a pipe, and no following a link that stands there by now
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise CannotDoError(message) from error
    with os.fdopen(number, "rb") as file:
        told = os.fstat(number)
        if not stat.S_ISREG(told.st_mode):
            raise NotUnderstoodError("no plain file")
        finished = _locked(path, number)
        # only of a finished file the size is the last one, and that only once it is locked
        yield Held(path, file, finished, os.fstat(number).st_size)


def _locked(path: Path, number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        message = f"{path}: cannot be locked: {error.strerror}; the spool must be on a local disk"
        raise CannotDoError(message) from error
    return True


def lines(held: Held) -> Iterator[Raw]:
    """Yield the lines of a file.

    What stands behind the last line break comes, as torn, only out of a finished file. A file that
    grows is read as far as it went when it was opened.
    """
    number = 0
    while held.file.tell() < held.size_bytes:
        number += 1
        raw = _line(held, number)
        # a file that somebody cuts off meanwhile ends early
        if not raw.size_bytes or not (raw.ended or held.is_finished):
            return
        yield raw


def _line(held: Held, number: int) -> Raw:
    text = _read(held)
    if text.endswith(b"\n") or len(text) <= LINE_BYTES_MAX:
        return Raw(number, text.removesuffix(b"\n"), len(text), ended=text.endswith(b"\n"))
    head, size, digest = text[:TEXT_BYTES_MAX], len(text), hashlib.sha256(text)
    while not text.endswith(b"\n") and (text := _read(held)):
        size += len(text)
        digest.update(text.removesuffix(b"\n"))
    return Raw(number, head, size, digest.hexdigest(), ended=text.endswith(b"\n"))


def _read(held: Held) -> bytes:
    try:
        return held.file.readline(LINE_BYTES_MAX + 1)
    except OSError as error:
        message = f"{held.path}: cannot be read: {error.strerror}"
        raise CannotDoError(message) from error


def put_away(held: Held) -> Path | None:
    """Move a finished file to the folder of those that were taken in, under a name of its own.

    Return None where somebody else has moved it: what it says is in the log. Another file that
    stands under its name by now stays.
    """
    folder = held.path.parent / TAKEN
    goal = folder / held.path.name
    try:
        if not os.path.samestat(held.path.lstat(), os.fstat(held.file.fileno())):
            return None
        folder.mkdir(mode=0o700, exist_ok=True)
        times = 1
        while goal.exists():
            times += 1
            goal = folder / f"{held.path.name}.{times}"
        held.path.rename(goal)
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{held.path}: cannot be moved to {folder}: {error.strerror}"
        raise CannotDoError(message) from error
    return goal
