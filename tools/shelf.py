"""The projection files of a book: which takes the place of which, whole at every moment.

Every change of place is a rename, so that whoever has a file open keeps reading it, and a process
that is killed between two renames leaves a current projection: `settle` finishes what it began.
"""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from domain.errors import CannotDoError
from tools.stopping import ending

KEPT_AS: Final = {
    "candidate.duckdb": "previous.duckdb",
    "previous.duckdb": "previous.duckdb",
    "standby.duckdb": "standby.duckdb",
}
"""What takes the place of the current projection, and as what the current one is kept then."""
_SCRATCH: Final = ".rebuild-"
_SCRATCH_NAME: Final = re.compile(re.escape(_SCRATCH) + "[0-9a-f]{16}")


def make_current(source: Path, current: Path, *, keep: bool = True) -> None:
    """Put a file in the place of the current projection, which is kept as KEPT_AS says.

    The current one is given a second name first, so that there is never a moment without either.
    """
    aside, kept = _aside(source), source.with_name(KEPT_AS[source.name])
    refuse_obstacles(source, current, _write_ahead(current), *((aside, kept) if keep else ()))
    if not keep:
        put(source, current)
        return
    with _told(current):
        _name_again(current, aside)
        flush_folder(source.parent)
        put(source, current)
        aside.replace(kept)
        flush_folder(source.parent)


def refuse_obstacles(*paths: Path) -> None:
    """Raise CannotDoError where a folder or a link is in the place of a projection file.

    A rename would replace a link, not what it leads to.
    """
    for path in paths:
        if path.is_symlink():
            message = f"{path} is a link: move the file itself there (or link the book's folder)"
            raise CannotDoError(message)
        if path.exists() and not path.is_file():
            message = f"{path} is no file: move away what is in its place"
            raise CannotDoError(message)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Raise CannotDoError for what the system refuses, with the place."""
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or path
        message = f"cannot write {where}: {error.strerror or error}: see what is in its place"
        raise CannotDoError(message) from error


def settle(folder: Path) -> None:
    """Finish what a process that was killed had begun in `make_current`; its scratch goes.

    Where the source is still there, it had not taken the place yet: the second name goes.
    """
    sweep(folder)
    for name, kept in KEPT_AS.items():
        source = folder / name
        aside = _aside(source)
        if not aside.exists():
            continue
        refuse_obstacles(aside)
        if source.exists():
            with _told(aside):
                aside.unlink()
        else:
            refuse_obstacles(folder / kept)
            with _told(aside):
                aside.replace(folder / kept)
        flush_folder(folder)


def put(fresh: Path, target: Path) -> None:
    """Put a finished file into a place, atomically and for good.

    Raise CannotDoError where the engine did not write all of it into the file.
    """
    refuse_obstacles(target, _write_ahead(target))
    if _write_ahead(fresh).exists():
        message = f"{fresh} was not closed properly: {_write_ahead(fresh).name} is beside it"
        raise CannotDoError(message)
    with _told(target):
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        # what somebody wrote to the file that goes is not to be applied to the one that comes
        _write_ahead(target).unlink(missing_ok=True)
        fresh.replace(target)
        flush_folder(target.parent)


def copy(path: Path, target: Path) -> None:
    """Copy a file that nobody writes; `target` is there only as a whole."""
    beside = target.with_name(f"{target.name}.copy")
    try:
        shutil.copyfile(path, beside)
    except OSError as error:
        beside.unlink(missing_ok=True)
        message = f"cannot copy {path} to {target}: {error.strerror}"
        raise CannotDoError(message) from error
    put(beside, target)


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write that is at `path` in the end, on disk and whole, or not at all.

    Where the path is a link, what it leads to is replaced. Raise CannotDoError where that fails.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            with beside.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
            flush_folder(target.parent)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror or error}"
        raise CannotDoError(message) from error


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Make a folder inside another one, and remove it in the end, whatever happens.

    It is inside because there is room of the same kind, and from there a rename is enough. It is
    held while it is in use: what processes that were killed left behind goes first.
    """
    with ending(), ExitStack() as held:
        try:
            sweep(folder)
            made = _held(folder, held)
        except OSError as error:
            message = f"cannot write in {folder}: {error.strerror}"
            raise CannotDoError(message) from error
        yield made


def sweep(folder: Path) -> None:
    """Remove the scratch folders that no process holds any more."""
    for left in folder.glob(f"{_SCRATCH}*"):
        if not _SCRATCH_NAME.fullmatch(left.name):
            continue
        with ExitStack() as held, suppress(OSError):
            # one that somebody holds, or that is gone meanwhile, cannot be held
            _hold(left, held)
            shutil.rmtree(left, ignore_errors=True)


def _held(folder: Path, held: ExitStack) -> Path:
    """Make a scratch folder and hold it; another one where a sweep came in between."""
    while True:
        made = folder / f"{_SCRATCH}{secrets.token_hex(8)}"
        # first, so that an interrupt leaves nothing
        held.callback(shutil.rmtree, made, ignore_errors=True)
        made.mkdir(mode=0o700)
        try:
            _hold(made, held)
        except (BlockingIOError, FileNotFoundError):
            continue
        except OSError:
            # a file system that knows no locks of folders: nobody can sweep there either
            return made
        if made.exists():
            return made


def _hold(folder: Path, held: ExitStack) -> None:
    """Lock a folder until the stack ends. Raise OSError where another one has, or none can."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    held.callback(os.close, handle)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def discard(path: Path) -> None:
    """Remove a projection file and what the engine left beside it."""
    for left_over in (path, _write_ahead(path)):
        if not left_over.is_symlink():
            refuse_obstacles(left_over)
        with _told(left_over):
            left_over.unlink(missing_ok=True)
    # what a rebuild that was killed had spilled to disk
    shutil.rmtree(path.with_name(f"{path.name}.tmp"), ignore_errors=True)


def flush_folder(folder: Path) -> None:
    """Make sure that renames in a folder outlive a power failure."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _write_ahead(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _aside(source: Path) -> Path:
    return source.with_name(f"{source.stem}.replaced")


def _name_again(path: Path, other: Path) -> None:
    other.unlink(missing_ok=True)
    try:
        os.link(path, other)
    except OSError:
        # not every file system knows links
        copy(path, other)
