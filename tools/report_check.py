"""`report check`: the figures of a report beside what today's code and rules make of that log."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import duckdb
import pyarrow as pa
from rich.console import RenderableType

from adapters.log.sqlite import SQLiteLog
from adapters.log.verify import verify
from domain.errors import CannotDoError, LogCorruptError, UsageError
from replay import report as pinned
from replay.database import Resources, open_for_reading
from replay.meta import Meta
from replay.plan import AsOf, Plan
from replay.rebuild import rebuild
from replay.report import Change, Compared, Figure, Question, Report
from tools import built, outcome, render, shelf
from tools import report as keeping
from tools.book import Book, now
from tools.outcome import Outcome, counted


@dataclass(frozen=True, slots=True)
class _Checked:
    """A report beside what today's code and rules make of the same log."""

    report: Report
    again: Meta
    left_out: dict[str, int]
    figures: list[tuple[Figure, Compared | str]]

    @property
    def same(self) -> bool:
        """Whether no figure differs."""
        return all(isinstance(found, Compared) and found.same for _, found in self.figures)

    @property
    def around(self) -> list[tuple[str, bool]]:
        """What may differ although no figure does, and whether it is the same."""
        report, again = self.report, self.again
        return [
            ("code", report.code_digest == again.code_digest),
            ("rules", report.rules_digest == again.rules_digest),
            ("libraries", report.libraries == again.libraries),
            ("tables", report.content_fingerprint == again.content_fingerprint),
            ("left out", report.left_out == self.left_out),
        ]


def check(book: Book, name: str | None, *, resources: Resources, limit: int) -> Outcome:
    """Rebuild to the watermark of a report (of all, without a name) and compare.

    Exit code 1 where a figure differs, 3 where a report cannot be checked. `limit` is how many
    differing rows of each figure are told.
    """
    asked = keeping.names(book) if name is None else [name]
    found: dict[str, _Checked] = {}
    refused: dict[str, CannotDoError] = {}
    by_watermark: dict[int, dict[str, Report]] = {}
    with book.open_log() as log:
        for one in asked:
            try:
                report = pinned.read(keeping.existing(book, one))
                keeping.refuse_another_log(
                    log, report.watermark, report.seal_digest, f"report {one}"
                )
            except CannotDoError as error:
                refused[one] = error
            else:
                by_watermark.setdefault(report.watermark, {})[one] = report
        for reports in by_watermark.values():
            try:
                found |= _checked(book, log, reports, resources)
            except CannotDoError as error:
                refused |= dict.fromkeys(reports, error)
    if name in refused:
        raise refused[name]
    if name is None:
        strays = keeping.strays(book)
        refused |= strays
        asked += strays
    return _told(asked, found, refused, limit)


def _told(
    asked: Sequence[str],
    found: Mapping[str, _Checked],
    refused: Mapping[str, CannotDoError],
    limit: int,
) -> Outcome:
    told: list[dict[str, Any]] = []
    body: list[RenderableType] = []
    for name in asked:
        if name in found:
            told.append(_as_data(name, found[name], limit))
            body += _as_body(name, found[name], limit)
        else:
            error = refused[name]
            told.append(
                {
                    "name": name,
                    "state": "refused",
                    "error": type(error).__name__,
                    "message": str(error),
                }
            )
            body.append(f"{name}: {error}")
    return _outcome(told, body)


def _outcome(told: list[dict[str, Any]], body: Sequence[RenderableType]) -> Outcome:
    states = Counter(one["state"] for one in told)
    counts = {state: states[state] for state in ("identical", "changed", "refused")}
    code = outcome.GOOD
    if counts["changed"]:
        code = outcome.FOUND
    if counts["refused"]:
        code = outcome.FAILED
    if len(told) == 1 and code != outcome.FAILED:
        verdict = f"{told[0]['name']}: {told[0]['state']} as of position {told[0]['watermark']:,}"
    elif told:
        verdict = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
        verdict = f"{counted(len(told), 'report')}: {verdict}"
    else:
        verdict = "no reports"
    return Outcome(verdict, {**counts, "reports": told}, body, code)


def _checked(
    book: Book, log: SQLiteLog, reports: Mapping[str, Report], resources: Resources
) -> dict[str, _Checked]:
    """Rebuild to the watermark that all of the reports have, and ask their queries again."""
    watermark = next(iter(reports.values())).watermark
    rules, as_of = book.rules, AsOf(position=watermark)
    with shelf.scratch(book.folder) as folder:
        target = folder / "check.duckdb"
        with built.progress() as progress:
            plan = Plan(now(), rules, resources, as_of, progress=progress)
            again = rebuild(log, target, plan).meta
        with open_for_reading(target) as connection:
            left_out = keeping.counts(connection)
            checked = {
                name: _Checked(report, again, left_out, _compared(connection, report))
                for name, report in reports.items()
            }
    if not all(one.same for one in checked.values()):
        _refuse_changed_events(log, watermark)
    return checked


def _compared(
    connection: duckdb.DuckDBPyConnection, report: Report
) -> list[tuple[Figure, Compared | str]]:
    found: list[tuple[Figure, Compared | str]] = []
    for figure in report.figures:
        try:
            again = keeping.answer(connection, Question(figure.label, figure.sql))
        except UsageError as error:
            # a table or a column that this version has no more
            found.append((figure, str(error)))
            continue
        found.append((figure, pinned.compare(figure, again)))
    return found


def _refuse_changed_events(log: SQLiteLog, watermark: int) -> None:
    """Raise LogCorruptError where the difference may come of events that were changed."""
    problems = [one for one in verify(log).problems if one.position <= watermark]
    if problems:
        first = problems[0]
        message = (
            f"figures differ, and so does the log: position {first.position:,}: {first.what}; "
            "restore it, `brokertruth verify` tells more"
        )
        raise LogCorruptError(message)


def _as_data(name: str, found: _Checked, limit: int) -> dict[str, Any]:
    report, again = found.report, found.again
    return {
        "name": name,
        "state": "identical" if found.same else "changed",
        "watermark": report.watermark,
        "seal_digest": report.seal_digest,
        "log_same": True,
        "code": _pair(report.code_digest, again.code_digest),
        "rules": _pair(report.rules_digest, again.rules_digest),
        "rules_version": _pair(report.rules_version, again.rules_version),
        "libraries": _pair(report.libraries, again.libraries),
        "content": _pair(report.content_fingerprint, again.content_fingerprint),
        "left_out": _pair(report.left_out, found.left_out),
        "figures": [_figure_data(figure, compared, limit) for figure, compared in found.figures],
    }


def _pair(before: object, after: object) -> dict[str, object]:
    return {"same": before == after, "before": before, "after": after}


def _figure_data(figure: Figure, compared: Compared | str, limit: int) -> dict[str, Any]:
    data: dict[str, Any] = {"label": figure.label, "sql": figure.sql, "rows": len(figure.rows)}
    if isinstance(compared, str):
        return {**data, "same": False, "error": compared}
    return {
        **data,
        "same": compared.same,
        **compared.counts(),
        "columns_added": list(compared.columns_added),
        "columns_removed": list(compared.columns_removed),
        "differences": [
            {"change": one.change, "key": dict(one.key), "values": dict(one.values)}
            for one in compared.changes[:limit]
        ],
    }


def _as_body(name: str, found: _Checked, limit: int) -> list[RenderableType]:
    """Return what a person sees of a report: what changed around it, then what in it."""
    report = found.report
    told = ", ".join(f"{what} {'same' if same else 'CHANGED'}" for what, same in found.around)
    body: list[RenderableType] = [f"{name}, up to {report.watermark:,}: log same, {told}"]
    if report.left_out != found.left_out:
        body.append(f"  left out before: {keeping.left_out(report.left_out)}")
        body.append(f"  left out now: {keeping.left_out(found.left_out)}")
    for figure, compared in found.figures:
        body += _figure_body(figure, compared, limit)
    return body


def _figure_body(figure: Figure, compared: Compared | str, limit: int) -> list[RenderableType]:
    if isinstance(compared, str):
        return [f"  {figure.label}: cannot be asked any more: {compared}"]
    if compared.same:
        return [f"  {figure.label}: identical, {counted(len(figure.rows), 'row')}"]
    told = [f"{number:,} {what}" for what, number in compared.counts().items() if number]
    for what, names in (
        ("new", compared.columns_added),
        ("missing", compared.columns_removed),
    ):
        if names:
            told.append(f"columns {what}: {', '.join(names)}")
    body: list[RenderableType] = [f"  {figure.label}: {', '.join(told)}"]
    rows = [row for one in compared.changes[:limit] for row in _rows(one)]
    if rows:
        numbers = {name for name in _SIDES if all(_is_number(row[name]) for row in rows)}
        table = pa.Table.from_pylist(rows, _DIFFERENCES)
        body.append(render.as_table(table, closing=False, numbers=numbers))
    if len(compared.changes) > limit:
        body.append(f"  and {counted(len(compared.changes) - limit, 'more row')} (--limit)")
    return body


_SIDES: Final = ("before", "after")
_DIFFERENCES: Final = pa.schema(
    [(name, pa.string()) for name in ("change", "row", "column", *_SIDES)]
)


def _is_number(cell: str | None) -> bool:
    try:
        return cell is None or bool(Decimal(cell).as_tuple())
    except InvalidOperation:
        return False


def _rows(change: Change) -> list[dict[str, str | None]]:
    """Return a line for each measure that differs; a row that came or went has no zeros to tell."""
    key = " ".join(render.NULL if cell is None else cell for cell in change.key.values())
    told = {name: pair for name, pair in change.values.items() if change.change == "changed"}
    told = told or {name: pair for name, pair in change.values.items() if {*pair} - {None, "0"}}
    return [
        {"change": change.change, "row": key, "column": name, "before": before, "after": after}
        for name, (before, after) in (told or {"": (None, None)}).items()
    ]
