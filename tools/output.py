"""Files that the user names for what a verb writes: never the book's own, never half of one."""

import os
from pathlib import Path
from typing import Final

from domain.errors import CannotDoError, UsageError
from tools import shelf
from tools.book import Book

_TITLE: Final = "<title>"


def refuse_own(book: Book, path: Path, option: str) -> None:
    """Raise UsageError where a file would lie in the folder of the book."""
    place, own = (Path(os.path.realpath(one)) for one in (path, book.folder))
    if place.is_relative_to(own):
        message = f"{option} {path}: the folder of the book is its own; name a file elsewhere"
        raise UsageError(message)


def refuse_all_but_pages(book: Book, path: Path, text: str) -> None:
    """Raise UsageError where a page cannot be written: in the book, or over what is no such page.

    Every page of this program begins alike, up to its title.
    """
    refuse_own(book, path, "--html")
    head = text.partition(_TITLE)[0].encode()
    try:
        if not path.exists():
            return
        ours = path.is_file() and _begins(path, head)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise CannotDoError(message) from error
    if not ours:
        message = f"--html {path}: it is in the way, and no page of this program: name another file"
        raise UsageError(message)


def _begins(path: Path, head: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(head)) == head


def write_page(book: Book, path: Path, text: str) -> None:
    """Write a page, whole or not at all; an older page may be replaced, and nothing else.

    Raise UsageError where something else is in the way, CannotDoError where it cannot be written.
    """
    refuse_all_but_pages(book, path, text)
    with shelf.whole(path) as file:
        file.write(text.encode())
