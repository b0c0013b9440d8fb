"""Why a projection is not what a rebuild would give now, and what to do about it."""

from dataclasses import dataclass
from typing import Final

from adapters.log.sqlite import SQLiteLog
from domain.errors import BrokertruthError, CannotDoError, RebuildNeededError
from domain.rules import Rules
from replay import meta
from tools.book import RULES, Book, has_rules
from tools.outcome import counted

PROJECT: Final = "run `brokertruth project`"
REBUILD: Final = "run `brokertruth rebuild`"
ANOTHER_LOG: Final = "it was made from another log, or from one that was longer"


@dataclass(frozen=True, slots=True)
class Stale:
    """Why a projection is stale, and the cure; none where the reason says it.

    needs_rebuild   figures may move by anything else than new events: they are to be looked at
    """

    because: str
    cure: str
    needs_rebuild: bool = False

    def told(self, more: str = "") -> str:
        """Return the reason, with more to say of it, and the cure."""
        return f"{self.because}{more}{f'; {self.cure}' if self.cure else ''}"


def of(book: Book, log: SQLiteLog, told: meta.Meta | None, *, current: bool = True) -> Stale | None:
    """Say why a projection is stale; None where it is not.

    `told` is what the projection that was asked says about itself: another process may have put a
    newer one in its place since then. One of the past is not expected to know of what came later.
    Events are applied to the current one alone.
    """
    if told is None:
        return _without(book)
    for holds, why in (
        (not is_of(log, told), ANOTHER_LOG),
        (told.code_digest != meta.code_digest(), "the code has changed"),
        (told.libraries != meta.libraries(), "the libraries have changed"),
    ):
        if holds:
            return Stale(why, REBUILD, needs_rebuild=True)
    return _by_rules(book, told) or _behind(log, told, current=current)


def _by_rules(book: Book, told: meta.Meta) -> Stale | None:
    try:
        rules_digest = book.rules.digest
    except BrokertruthError as error:
        return Stale(f"the rules cannot be read: {error}", f"repair {RULES}")
    if told.rules_digest != rules_digest:
        how = "has changed" if has_rules(book.folder) else "is missing"
        return Stale(f"{RULES} {how}", REBUILD, needs_rebuild=True)
    return None


def _behind(log: SQLiteLog, told: meta.Meta, *, current: bool) -> Stale | None:
    if not told.as_of and told.watermark != log.head():
        behind = f"it covers {told.watermark} of {counted(log.head(), 'event')}"
        return Stale(behind, PROJECT if current else REBUILD)
    return None


def _without(book: Book) -> Stale:
    try:
        book.current_meta()
    except RebuildNeededError:
        name = book.projection_path.name
        why = f"{name} is of another version, or was never finished"
        return Stale(why, REBUILD, needs_rebuild=True)
    except CannotDoError as error:
        return Stale(str(error), "")
    return Stale("there is no projection that can be read", PROJECT)


def others(book: Book, rules: Rules) -> str:
    """Return the end of a verdict where there is no current projection but one of other rules.

    What is made in its place is not what was current, and nobody is asked.
    """
    for path in (book.candidate_path, book.previous_path):
        told = book.projection_meta(path)
        if told is None:
            continue
        if told.rules_digest != rules.digest:
            return f"; by the rules of now, which {path.name} is not of"
        if told.code_digest != meta.code_digest():
            return f"; by the code of now, which {path.name} is not of"
    return ""


def because(book: Book, log: SQLiteLog, told: meta.Meta | None) -> str | None:
    """Say why a projection is stale, for programs."""
    stale = of(book, log, told)
    return stale.because if stale else None


def warning(stale: Stale | None) -> str:
    """Return what a verdict ends with where the projection is stale; nothing where it is not."""
    return f" (stale: {stale.told()})" if stale else ""


def is_of(log: SQLiteLog, told: meta.Meta) -> bool:
    """Say whether a projection was made from this log, by the seal of its watermark."""
    if told.seal_digest is None:
        return told.watermark == 0
    seal = log.seal_of(told.watermark)
    return seal is not None and seal.digest.hex() == told.seal_digest
