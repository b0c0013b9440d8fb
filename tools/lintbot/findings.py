"""`lint-bot`: which calls of a bot post orders, and which of those nobody records."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from rich.table import Table

from domain.errors import UsageError
from domain.rules import Rules
from tools import outcome
from tools.book import DEFAULT, RULES, read_rules
from tools.lintbot.duty import Duty, Tree
from tools.lintbot.names import Vocabulary
from tools.lintbot.reading import File, Use, read_file
from tools.lintbot.sources import UNREADABLE, Sources, gather, leading
from tools.outcome import Outcome, counted, safe

NOTHING_POSTS: Final = "found no call that posts an order: name yours with --post"
_SHOWN_MAX: Final = 10
_ROWS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Remark:
    """Something at a place: a finding, or a note where it is only worth knowing.

    callers  of a function that posts: where it is called without recording
    """

    file: str
    line: int | None
    function: str
    rule: str
    detail: str
    callers: tuple[str, ...] = ()


def lint(
    path: Path,
    *,
    rules: Rules | None = None,
    vocabulary: Vocabulary | None = None,
    exclude: Sequence[str] = (),
) -> Outcome:
    """Find the calls that post orders without recording them, and ids that no rule knows."""
    vocabulary = vocabulary or Vocabulary()
    sources = gather(path, tuple(exclude))
    duty = Duty(Tree(_read(sources, vocabulary), path.resolve().name, vocabulary), vocabulary)
    findings = [_not_recorded(use, callers) for use, callers in duty.unpaid.items()]
    findings += _unknown_prefixes(duty.posts, rules)
    findings += [Remark(name, None, "", "unreadable", why) for name, why in sources.unreadable]
    findings.sort(key=lambda one: (one.rule != "not recorded", one.rule, one.file, one.line or 0))
    notes = [
        Remark(name, None, "", "not checked", "a link that leads out of the tree")
        for name in sources.links
    ]
    notes += [
        Remark(name, None, "", "not understood", "names an address for orders; no call uses it")
        for name in duty.unclear()
    ]
    silent = {*duty.unpaid, *(one for callers in duty.unpaid.values() for one in callers)}
    data = {
        "path": str(path),
        "files": len(sources.files),
        "skipped": sources.skipped,
        "posts": [_site(use, recorded=use not in silent) for use in duty.posts],
        "findings": [asdict(one) for one in findings],
        "notes": [asdict(one) for one in notes],
    }
    body: list[Any] = [_table(findings)] if findings else []
    body.append(_extent(sources))
    code = outcome.FOUND if findings or not duty.posts else outcome.GOOD
    return Outcome(_verdict(len(duty.posts), findings, len(notes)), data, body, code)


def rules_of(folder: Path) -> Rules | None:
    """Return the rules of a book; None where no book was named and there is none to be found.

    Raise UsageError where one was named that has no rules, or wrong ones.
    """
    path = folder / RULES
    if path.exists():
        return read_rules(path)
    if folder == Path(DEFAULT):
        return None
    message = f"{folder}: no {RULES} there: name a book, or leave --book out"
    raise UsageError(message)


def _read(sources: Sources, vocabulary: Vocabulary) -> list[File]:
    names, files = leading(sources, vocabulary)
    sources.units.clear()
    found = []
    for name in sorted(files):
        try:
            found.append(read_file(name, sources.content(name), names))
        except UNREADABLE as error:
            sources.refuse(name, error)
    return found


def _not_recorded(use: Use, callers: list[Use]) -> Remark:
    where = tuple(f"{one.function.file.path}:{one.line}" for one in callers)
    told = use.name
    if where:
        more = f" and {len(where) - _SHOWN_MAX:,} more" if len(where) > _SHOWN_MAX else ""
        told += f", called without a record at {', '.join(where[:_SHOWN_MAX])}{more}"
    return Remark(use.function.file.path, use.line, use.function.shown, "not recorded", told, where)


def _unknown_prefixes(posts: list[Use], rules: Rules | None) -> Iterator[Remark]:
    if rules is None:
        return
    known = [prefix for strategy in rules.strategies.values() for prefix in strategy.prefixes]
    for use in posts:
        text, whole = use.order_id or ("", False)
        fits = any(text.startswith(prefix) for prefix in known)
        # the rest of it, which only the running bot knows, may make it fit
        may_fit = not whole and any(prefix.startswith(text) for prefix in known)
        if not fits and not may_fit:
            file, told = use.function.file.path, f"{use.name}, {text!r} fits no strategy"
            yield Remark(file, use.line, use.function.shown, "unknown prefix", told)


def _site(use: Use, *, recorded: bool) -> dict[str, Any]:
    return {
        "file": use.function.file.path,
        "line": use.line,
        "function": use.function.shown,
        "call": ".".join((*use.receiver, use.name)),
        "recorded": recorded,
    }


def _table(findings: list[Remark]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("where", "function", "what"):
        table.add_column(name, overflow="fold")
    for one in findings[:_ROWS_MAX]:
        where = one.file if one.line is None else f"{one.file}:{one.line}"
        table.add_row(safe(where), safe(one.function), safe(f"{one.rule}: {one.detail}"))
    if len(findings) > _ROWS_MAX:
        table.add_row("…", "", f"{len(findings) - _ROWS_MAX:,} more: see --json")
    return table


def _extent(sources: Sources) -> str:
    skipped = sources.skipped
    told = f"{counted(len(sources.files), 'Python file')} read, "
    told += f"{counted(len(skipped), 'path')} left out"
    shown = list(dict.fromkeys(PurePosixPath(name).name for name in skipped))
    more = ", …" if len(shown) > _SHOWN_MAX else ""
    return f"{told}: {', '.join(shown[:_SHOWN_MAX])}{more}" if shown else told


def _verdict(posts: int, findings: list[Remark], notes: int) -> str:
    numbers = Counter(one.rule for one in findings)
    told = [NOTHING_POSTS]
    if posts:
        word = "call site posts" if posts == 1 else "call sites post"
        unpaid = numbers["not recorded"]
        rest = f"{unpaid:,} without recording them" if unpaid else "all recorded"
        told = [f"{posts:,} {word} orders, {rest}"]
    if numbers["unknown prefix"]:
        told.append(counted(numbers["unknown prefix"], "unknown prefix", "unknown prefixes"))
    if numbers["unreadable"]:
        told.append(f"{counted(numbers['unreadable'], 'file')} unreadable")
    if notes:
        told.append(f"{counted(notes, 'note')} (--json)")
    return "; ".join(told)
