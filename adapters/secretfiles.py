"""Files that hold a secret: read if they are their owner's alone, else refused by name."""

import os
import stat
from pathlib import Path

from domain.errors import UsageError


def read(file: Path, *, name: str, what: str, bytes_max: int, unfit: type[UsageError]) -> bytes:
    """Return what a file holds, if nobody else can read or exchange it.

    What is checked is what is read. Messages call the file `name` and what it holds `what`, such
    as "key". Raise `unfit`, without a context, for a file that is not to be used.
    """
    descriptor, reason = -1, ""
    try:
        # Without waiting: the name may be of a pipe that nobody writes into.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = error.strerror or "no reason given"
    if reason:
        message = f"{name}: the {what} file cannot be read: {reason}"
        raise unfit(message)
    try:
        found = _unsafe(os.fstat(descriptor), what)
        if found:
            message = f"{name}: {found}"
            raise unfit(message)
        return os.read(descriptor, bytes_max)
    finally:
        os.close(descriptor)


def _unsafe(status: os.stat_result, what: str) -> str:
    """Return what is wrong with a file, and what to do; nothing where nothing is."""
    if not stat.S_ISREG(status.st_mode):
        return f"not a regular file; name the file that holds the {what}"
    if status.st_uid not in (os.geteuid(), 0):
        return (
            f"the {what} file belongs to another user, who could exchange the {what}; make a "
            "copy that belongs to you, with mode 600"
        )
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return (
            f"other users may use the {what} file (mode {stat.S_IMODE(status.st_mode):03o}); "
            f"take that away with chmod 600, and make a new {what} if others use this machine"
        )
    return ""
