"""`rebuild`: everything anew from the first event, beside the current projection.

What is made is a candidate, to be looked at and then switched to.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table

from adapters.log.sqlite import SQLiteLog
from adapters.segments.kept import KeptSegments
from domain.errors import CannotDoError, ProjectionError, RebuildNeededError, UsageError
from domain.rules import Rules
from domain.units import MONEY
from replay import money
from replay.database import Resources
from replay.explain.nodes import decimal_text
from replay.gate import Cell, Gate, closed_days
from replay.meta import Meta
from replay.money import Moved
from replay.rebuild import Rebuilt
from tools import alerts, building, built, moving, outcome, shelf, staleness
from tools.book import Book, now
from tools.outcome import Outcome, counted


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to rebuild.

    lenient        unreadable events neither change the exit code nor keep from switching
    segments       read what is kept of the log instead of the log
    accept_below   switch if no closed day's money moved by more; None leaves that to others
    """

    resources: Resources = field(default_factory=Resources)
    lenient: bool = False
    accept_below: Decimal | None = None
    dry_run: bool = False
    segments: bool = True

    def segments_of(self, book: Book, log: SQLiteLog) -> KeptSegments | None:
        """Return the segments to read, None where none are to be."""
        return book.segments_of(log) if self.segments else None


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What becomes of a candidate, in words too.

    refused   why the gate did not let it through
    gate      what of closed days moved, if that was asked
    """

    current: bool
    verdict: str
    refused: str | None = None
    gate: Gate | None = None


def rebuild(book: Book, log: SQLiteLog, wanted: Wanted) -> Outcome:
    """Rebuild from the first event, and tell which money moves.

    The candidate is current at once where there is no current projection, or one that is damaged
    for good, or where the gate lets it through. A dry run does it all in a folder that is removed
    again, and exits as the rebuild would.
    """
    rules = book.rules
    if wanted.dry_run:
        with shelf.scratch(book.folder) as folder:
            return _rebuilt(book, log, rules, wanted, folder / book.candidate_path.name)
    with book.projecting():
        return _rebuilt(book, log, rules, wanted, book.candidate_path)


def _rebuilt(book: Book, log: SQLiteLog, rules: Rules, wanted: Wanted, candidate: Path) -> Outcome:
    before = _before(book, log)
    other = "" if before.path else staleness.others(book, rules)
    stale = staleness.of(book, log, before.told)
    known = built.canaries(book)
    with built.progress() as report:
        made = building.in_full(
            log,
            candidate,
            rules,
            resources=wanted.resources,
            progress=report,
            segments=wanted.segments_of(book, log),
        )
    moved = money.compare(before.path, candidate, resources=wanted.resources)
    if before.not_compared:
        moved = replace(moved, unknown=before.not_compared)
    found = built.fresh(built.canaries(book, candidate), known)
    keep = not (before.replaceable or moved.unknown == money.UNREADABLE)
    judgement = _judge(book, candidate, made, wanted, before, moved if keep else None)
    if judgement.current and not wanted.dry_run:
        shelf.make_current(candidate, book.projection_path, keep=keep)
        # a twin of what was current is of no use any more
        shelf.discard(book.standby_path)
    data = {
        "rebuilt": not wanted.dry_run,
        "dry_run": wanted.dry_run,
        "reason": stale.because if stale else None,
        "current": judgement.current and not wanted.dry_run,
        "gate": _gate_data(wanted, judgement),
        **built.counts(made),
        "new_canaries": found,
        **moving.as_data(moved),
        **({} if wanted.dry_run else built.meta_data(made.meta)),
    }
    body: list[RenderableType] = list(alerts.of_canaries(found))
    body += _stopping(judgement.gate)
    if wanted.dry_run and stale:
        body.append(f"because {stale.because}:")
    verdict = f"{built.in_full(made)}{other}"
    if wanted.dry_run or moved.by_rules or moved.unknown not in (None, money.NONE_YET):
        verdict += f"; {moving.verdict(moved, would=not judgement.current or wanted.dry_run)}"
        if moved.anything or (wanted.dry_run and moved.lines):
            body.append(moving.as_table(moved))
    verdict += judgement.verdict
    if wanted.dry_run:
        verdict = f"would rebuild: {verdict} (dry run: nothing was written)"
    code = built.code(made, found, lenient=wanted.lenient)
    return Outcome(verdict, data, body, outcome.FOUND if judgement.refused else code)


@dataclass(frozen=True, slots=True)
class _Before:
    """What is current before a rebuild.

    path          what to compare with; None where there is nothing, or nothing comparable
    told          what it says about itself, if it can be asked
    replaceable   there is none, or one that is damaged for good
    not_compared  why it is not compared although it is there
    """

    path: Path | None
    told: Meta | None = None
    replaceable: bool = False
    not_compared: str | None = None


def _before(book: Book, log: SQLiteLog) -> _Before:
    path = book.projection_path
    try:
        told = book.current_meta()
    except RebuildNeededError:
        return _Before(path)
    except CannotDoError as error:
        return _Before(None, not_compared=str(error))
    if told is None:
        return _Before(path if path.exists() else None, replaceable=True)
    if told.as_of:
        why = f"the current projection is of the past ({told.as_of})"
        return _Before(None, told, not_compared=why)
    if not staleness.is_of(log, told):
        return _Before(None, told, not_compared="the current projection is of another log")
    return _Before(path, told)


def _judge(
    book: Book,
    candidate: Path,
    made: Rebuilt,
    wanted: Wanted,
    before: _Before,
    moved: Moved | None,
) -> _Judgement:
    """Decide; `moved` is None where there is nothing that can be read to be moved."""
    if moved is None:
        return _Judgement(current=True, verdict="")
    above = wanted.accept_below
    if above is None:
        shown = "" if moved.unknown else "`diff` shows the candidate, "
        told = f"; {shown}`switch` makes it current"
        return _Judgement(current=False, verdict="" if wanted.dry_run else told)
    return _gated(book, candidate, made, wanted, before, above)


def _gated(
    book: Book,
    candidate: Path,
    made: Rebuilt,
    wanted: Wanted,
    before: _Before,
    above: Decimal,
) -> _Judgement:
    if before.not_compared:
        return _refusal(f"they cannot be compared: {before.not_compared}")
    left_out = outcome.left_out(made.unreadable, made.unknown_shapes)
    if left_out and not wanted.lenient:
        return _refusal(f"{left_out} (--lenient accepts that)")
    try:
        gate = closed_days(
            book.projection_path,
            candidate,
            above=above,
            resources=wanted.resources,
            ended_by=now().date(),
        )
    except ProjectionError as error:
        return _refusal(f"they cannot be compared: {error}")
    if not gate.accepted:
        sums = counted(gate.cells, "sum")
        return _refusal(f"{sums} of closed days moved by more than {above:f}", gate)
    told = f"; switched: no sum of a closed day moved by more than {above:f}"
    return _Judgement(current=True, verdict=told, gate=gate)


def _refusal(why: str, gate: Gate | None = None) -> _Judgement:
    return _Judgement(current=False, verdict=f"; not switched: {why}", refused=why, gate=gate)


def _gate_data(wanted: Wanted, judgement: _Judgement) -> dict[str, Any] | None:
    if wanted.accept_below is None:
        return None
    gate = judgement.gate
    return {
        "accept_below": f"{wanted.accept_below:f}",
        "refused_because": judgement.refused,
        "sums_moved": gate.cells if gate else None,
        "worst": [_cell(cell) for cell in gate.worst] if gate else [],
    }


def _cell(cell: Cell) -> dict[str, str]:
    return {
        "day": cell.day,
        "account": cell.account,
        "strategy": cell.strategy,
        "family": cell.family,
        "currency": cell.currency,
        "gross": decimal_text(cell.moved.gross),
        "fees": decimal_text(cell.moved.fees),
        "net": decimal_text(cell.moved.net),
    }


def _stopping(gate: Gate | None) -> list[RenderableType]:
    """Return the sums that stopped a candidate, for a screen."""
    if gate is None or gate.accepted:
        return []
    cells = [_cell(cell) for cell in gate.worst]
    table = Table(*cells[0], box=None, header_style="bold")
    for cell in cells:
        table.add_row(*cell.values())
    return [table]


# no amount of the ledger has more digits
_AMOUNT_MAX: Final = Decimal(10) ** (MONEY.width - MONEY.scale)


def amount(text: str | None) -> Decimal | None:
    """Return what --accept-below names. Raise UsageError where it is no amount."""
    if text is None:
        return None
    try:
        named = Decimal(text)
    except InvalidOperation:
        named = Decimal("NaN")
    if not named.is_finite() or not 0 <= named < _AMOUNT_MAX:
        message = f"--accept-below {text!r}: write an amount such as 0.00 or 12.50"
        raise UsageError(message)
    return named
