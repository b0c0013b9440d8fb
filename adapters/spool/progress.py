"""How far a file that still grows has been read, so that nobody reads it from the beginning again.

A note beside the files that were taken in. It counts only where the log holds the line that it
names, so neither a lost note nor a log out of a backup loses a line.
"""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.spool.files import TAKEN
from domain.errors import CannotDoError

_SUFFIX: Final = ".until"


class Progress(BaseModel):
    """Bytes and lines of a file that are in the log, and the key of the last event of them."""

    model_config = ConfigDict(strict=True, frozen=True)

    size_bytes: int = Field(gt=0)
    lines: int = Field(gt=0)
    key: str


def noted(path: Path) -> Progress | None:
    """Return the note about a file; None where there is none that can be read."""
    try:
        return Progress.model_validate_json(_note(path).read_bytes())
    except (OSError, ValidationError):
        # it only saves time
        return None


def note(path: Path, progress: Progress) -> None:
    """Write a note about a file. Raise CannotDoError."""
    place = _note(path)
    fresh = place.with_name(f"{place.name}.new")
    try:
        place.parent.mkdir(mode=0o700, exist_ok=True)
        fresh.write_text(progress.model_dump_json(), "utf-8")
        fresh.replace(place)
    except OSError as error:
        message = f"{place}: cannot be written: {error.strerror}"
        raise CannotDoError(message) from error


def forget(path: Path) -> None:
    """Remove the note about a file. Raise CannotDoError."""
    place = _note(path)
    try:
        place.unlink(missing_ok=True)
    except OSError as error:
        message = f"{place}: cannot be removed: {error.strerror}"
        raise CannotDoError(message) from error


def _note(path: Path) -> Path:
    return path.parent / TAKEN / f"{path.name}{_SUFFIX}"
