"""Finding a log at a path, or making one there."""

import contextlib
import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from adapters.log.failures import error_name
from adapters.log.recorder import APPLICATION_ID, LOG_FORMAT, LogDatastore, LogRecorder
from domain.errors import CannotDoError


def make_log(path: Path) -> None:
    """Make an empty log at an absolute path, on the disk when this returns.

    It appears there complete or not at all. A file that is there already is left alone: of several
    processes that make one log, all may go on.
    """
    if not path.parent.is_dir():
        message = f"{path}: cannot make the log: {path.parent} is not a directory; make it first"
        raise CannotDoError(message)
    with tempfile.TemporaryDirectory(prefix=f"{path.name}.", dir=path.parent) as directory:
        made = Path(directory) / "log"
        datastore = LogDatastore(f"{made.as_uri()}?mode=rwc")
        try:
            LogRecorder(datastore).create_table()
        finally:
            datastore.close()
        _put_in_place(made, path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(made: Path, path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        try:
            path.hardlink_to(made)
        except FileExistsError:
            raise
        except OSError:
            # Some file systems have no hard links. Renaming is as atomic, but would replace a log
            # that another process puts here between these two lines.
            if not path.exists():
                made.rename(path)


def check_log(path: Path, lock_timeout: int) -> None:
    """Raise CannotDoError unless there is a log of this format at an absolute path. Only reads."""
    if path.is_dir():
        message = f"{path}: this is a directory; name the log file itself"
        raise CannotDoError(message)
    if not path.exists():
        message = f"{path}: there is no event log; run `brokertruth init` to make a book"
        raise CannotDoError(message)
    application, log_format, empty = _marks(path, lock_timeout)
    if empty:
        message = f"{path}: the file is empty; remove it, then run `brokertruth init`"
        raise CannotDoError(message)
    if application != APPLICATION_ID:
        raise CannotDoError(_foreign(path))
    if log_format != LOG_FORMAT:
        message = (
            f"{path}: the log has format {log_format}, this program knows {LOG_FORMAT}; "
            "install the version of brokertruth that wrote it, or a newer one"
        )
        raise CannotDoError(message)


def _marks(path: Path, lock_timeout: int) -> tuple[int, int, bool]:
    """Return application id, format, and whether nothing at all is in the database."""
    uri = f"{path.as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=lock_timeout)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (log_format,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        if error_name(error) == "SQLITE_NOTADB":
            raise CannotDoError(_foreign(path)) from error
        raise
    return application, log_format, application == 0 and tables == 0


def _foreign(path: Path) -> str:
    return (
        f"{path}: this is not an event log of brokertruth (or its first page is damaged); "
        "name another file, or restore the log from a backup"
    )
