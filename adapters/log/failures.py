"""What goes wrong with a SQLite file, in the user's words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eventsourcing.persistence import ConnectionPoolClosedError, PersistenceError

from domain.errors import CannotDoError, LogCorruptError

_DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ")
_REMEDIES: Final = {
    "SQLITE_BUSY": "another program is writing into it; wait until it has finished, then repeat",
    "SQLITE_LOCKED": "another program is writing into it; wait until it has finished, then repeat",
    "SQLITE_FULL": "the disk is full; free some space, then repeat",
    "SQLITE_READONLY": "make the file and its directory writable for this user, then repeat",
    "SQLITE_CANTOPEN": (
        "make the file and its directory readable and writable for this user (SQLite keeps two "
        "more files beside it), then repeat"
    ),
    "SQLITE_PERM": "make the file and its directory writable for this user, then repeat",
    "SQLITE_IOERR": "look at the disk (space, quota, mount, system log), then repeat",
    "SQLITE_NOMEM": "the machine is out of memory; free some, then repeat",
}


def error_name(error: BaseException) -> str:
    """Return SQLite's own name of the error (SQLITE_BUSY, …), also out of the library's wrapper."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, sqlite3.Error):
        cause = cause.__cause__
    return str(getattr(cause, "sqlite_errorname", "")) if cause is not None else ""


def is_damage(error: BaseException) -> bool:
    """Tell whether the error says that the file's content is damaged."""
    return error_name(error).startswith(_DAMAGED)


def is_circumstance(error: BaseException) -> bool:
    """Tell whether the machine is to blame (lock, disk, permission), not the file's content."""
    if isinstance(error, TimeoutError | ConnectionPoolClosedError):
        return True
    return error_name(error).startswith(tuple(_REMEDIES)) and not is_damage(error)


@contextmanager
def explained(path: Path, doing: str) -> Iterator[None]:
    """Turn what SQLite and the library raise into CannotDoError: what, where, what to do."""
    try:
        yield
    except ConnectionPoolClosedError as error:
        raise CannotDoError(f"{path}: cannot {doing}: the log was closed before") from error
    except (sqlite3.Error, PersistenceError) as error:
        raise _explain(path, doing, error) from error
    except OSError as error:
        message = (
            f"{path}: cannot {doing}: {error.strerror}; make the file and its directory readable "
            "and writable for this user, then repeat"
        )
        raise CannotDoError(message) from error


def _explain(path: Path, doing: str, error: Exception) -> CannotDoError:
    if is_damage(error):
        return LogCorruptError(
            f"{path}: cannot {doing}: {error}. The file is damaged: keep a copy of it as it is, "
            "then restore the log from a backup and repeat what came in since"
        )
    name = error_name(error)
    remedies = (remedy for start, remedy in _REMEDIES.items() if name.startswith(start))
    if isinstance(error, TimeoutError):
        remedy = "another thread is writing into it; wait until it has finished, then repeat"
    else:
        remedy = next(remedies, "the file is not as this program made it; run `brokertruth verify`")
    return CannotDoError(
        f"{path}: cannot {doing}: {error}. What had been acknowledged is kept; {remedy} "
        "(repeating is safe: what is in the log already is counted as a duplicate)"
    )
