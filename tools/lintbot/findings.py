"""`lint-bot`: which calls of a bot post orders, and which of those nobody records."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from rich.table import Table

from domain.errors import UsageError
from domain.rules import Rules
from tools import outcome
from tools.book import DEFAULT, RULES, read_rules
from tools.lintbot.duty import Duty, Vocabulary, place
from tools.lintbot.program import File, Use
from tools.lintbot.reading import read_file
from tools.lintbot.sources import Source, Sources, gather
from tools.lintbot.texts import OrderId
from tools.lintbot.tree import Tree
from tools.outcome import Outcome, counted, safe

NOTHING_POSTS: Final = "found no call that posts an order: name yours with --post"
_SHOWN_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Remark:
    """Something at a place: a finding, or a note where it is only worth knowing."""

    file: str
    line: int | None
    function: str
    rule: str
    detail: str


def lint(
    path: Path,
    *,
    rules: Rules | None = None,
    vocabulary: Vocabulary | None = None,
    exclude: Sequence[str] = (),
) -> Outcome:
    """Find the calls that post orders without recording them, and ids that no rule knows.

    Without rules, what is wrong with an id is a note.
    """
    sources = gather(path, tuple(exclude))
    files = [file for source in sources.read if (file := _read(source, sources))]
    duty = Duty(Tree(files), vocabulary or Vocabulary())
    debts = duty.debts()
    unpaid = {debt.use for debt in debts}
    # a caller that owes the record posts through another function, and counts as a call site
    sites = sorted({*duty.posts, *unpaid}, key=place)
    ids = {use: duty.order_id(use) for use in duty.posts}
    findings = [_remark(debt.use, "not recorded", debt.through) for debt in debts]
    notes = [
        Remark(name, None, "", "not checked", why) for name, why in sorted(sources.not_checked)
    ]
    notes += [
        Remark(name, None, "", "not understood", "names an address for orders; no call uses it")
        for name in duty.unclear()
    ]
    for use, told in ids.items():
        for is_finding, remark in _of_id(use, told, rules):
            (findings if is_finding else notes).append(remark)
    findings += [
        Remark(name, None, "", "unreadable", why) for name, why in sorted(sources.unreadable)
    ]
    data = {
        "path": str(path),
        "files": len(files),
        "skipped": sources.skipped,
        "posts": [_site(use, ids.get(use), recorded=use not in unpaid) for use in sites],
        "findings": [asdict(one) for one in findings],
        "notes": [asdict(one) for one in notes],
    }
    body: list[Any] = [_table(findings, notes)] if findings or notes else []
    body.append(_extent(len(files), sources))
    code = outcome.FOUND if findings or not sites else outcome.GOOD
    return Outcome(_verdict(len(sites), findings), data, body, code)


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


def _read(source: Source, sources: Sources) -> File | None:
    try:
        return read_file(source.path, source.tree, sources.constants)
    except RecursionError:
        sources.unreadable.append((source.path, "nested too deeply"))
        return None


def _of_id(use: Use, told: OrderId | None, rules: Rules | None) -> Iterator[tuple[bool, Remark]]:
    """Yield what is to be said of an id, and whether it is a finding."""
    if told is None:
        return
    if told.absent:
        yield rules is not None, _remark(use, "no client_order_id")
    elif not told.prefixes or not all(text for text, _ in told.prefixes):
        yield False, _remark(use, "dynamic client_order_id")
    if rules is None:
        return
    known = [prefix for strategy in rules.strategies.values() for prefix in strategy.prefixes]
    for text, whole in told.prefixes:
        if not text or any(text.startswith(prefix) for prefix in known):
            continue
        # the rest of it, which only the running bot knows, may make it fit
        if not whole and any(prefix.startswith(text) for prefix in known):
            yield False, _remark(use, "dynamic client_order_id", f"begins with {text!r}")
        else:
            yield True, _remark(use, "unknown prefix", f"{text!r} fits no strategy")


def _remark(use: Use, rule: str, detail: str = "") -> Remark:
    function = use.function
    told = f"{use.name}, {detail}" if detail else use.name
    return Remark(function.file.path, use.line, function.shown, rule, told)


def _site(use: Use, told: OrderId | None, *, recorded: bool) -> dict[str, Any]:
    return {
        "file": use.function.file.path,
        "line": use.line,
        "function": use.function.shown,
        "call": ".".join((*use.receiver, use.name)),
        "recorded": recorded,
        "prefixes": [text for text, _ in told.prefixes if text] if told else [],
    }


def _table(findings: list[Remark], notes: list[Remark]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("", "where", "function", "what"):
        table.add_column(name, overflow="fold")
    for mark, remarks in (("!", findings), ("-", notes)):
        for one in remarks:
            where = one.file if one.line is None else f"{one.file}:{one.line}"
            table.add_row(mark, safe(where), safe(one.function), safe(f"{one.rule}: {one.detail}"))
    return table


def _extent(files: int, sources: Sources) -> str:
    told = f"{counted(files, 'Python file')} read, {counted(len(sources.skipped), 'path')} left out"
    shown = list(dict.fromkeys(PurePosixPath(name).name for name in sources.skipped))
    more = ", …" if len(shown) > _SHOWN_MAX else ""
    return f"{told}: {', '.join(shown[:_SHOWN_MAX])}{more}" if shown else told


def _verdict(sites: int, findings: list[Remark]) -> str:
    numbers: dict[str, int] = defaultdict(int)
    for one in findings:
        numbers[one.rule] += 1
    told = [NOTHING_POSTS]
    if sites:
        word = "call site posts" if sites == 1 else "call sites post"
        unpaid = numbers["not recorded"]
        rest = f"{unpaid:,} without recording them" if unpaid else "all recorded"
        told = [f"{sites:,} {word} orders, {rest}"]
    if numbers["unknown prefix"]:
        told.append(counted(numbers["unknown prefix"], "unknown prefix", "unknown prefixes"))
    if numbers["no client_order_id"]:
        told.append(f"{numbers['no client_order_id']:,} without client_order_id")
    if numbers["unreadable"]:
        told.append(f"{counted(numbers['unreadable'], 'file')} unreadable")
    return "; ".join(told)
