"""What the user named on the command line, as a list of files."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from domain.errors import CannotDoError, UsageError

STANDARD_INPUT: Final = Path("-")


def expand(paths: Sequence[str]) -> list[Path]:
    """Return the files to read, in the order given, folders replaced by what is in them.

    A folder is searched to the bottom, sorted by name, without hidden files and without what is
    no regular file. `-` stands for standard input and is returned as STANDARD_INPUT. A file that
    is reached twice is listed once.
    """
    found: dict[str, Path] = {}
    for name in paths:
        if name == "-":
            found.setdefault(name, STANDARD_INPUT)
            continue
        path = Path(name)
        if not os.path.exists(path):  # noqa: PTH110 - Path.exists() raises for impossible names
            message = f"there is no file or folder {shown(path)}"
            raise UsageError(message)
        for file in _files_below(path, frozenset()) if path.is_dir() else (path,):
            found.setdefault(os.path.realpath(file), file)
    if not found:
        named = ", ".join(shown(Path(name)) for name in paths) or "nothing"
        message = f"no file to read: {named} was given (hidden files are skipped)"
        raise UsageError(message)
    return list(found.values())


def _files_below(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    # Only a link that leads back to a folder above it makes a loop; every other link is followed.
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        message = f"cannot list the folder {shown(folder)}: {error.strerror}"
        raise CannotDoError(message) from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files_below(entry, above | {real})
        elif entry.is_file():
            yield entry


def shown(path: Path | str) -> str:
    """Return a file name as text that can be written anywhere; it need not be valid Unicode."""
    return str(path).encode("utf-8", "backslashreplace").decode()
