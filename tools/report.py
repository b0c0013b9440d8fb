"""`report`: figures that were told once, kept with what they were computed from, checked again.

They are kept in the book's folder `reports`, one file a report (`replay.report`).
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from rich.console import RenderableType

from adapters.log.sqlite import SQLiteLog
from domain.errors import CannotDoError, LogCorruptError, UsageError
from replay import meta, query
from replay import report as pinned
from replay.meta import Meta
from replay.report import Figure, Question, Report
from tools import outcome, render, shelf, staleness
from tools.book import Book, now
from tools.cells import texts
from tools.outcome import Outcome, counted

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CELL: Final = pa.string()


def save(book: Book, name: str, queries: Sequence[str], *, replace: bool, dry_run: bool) -> Outcome:
    """Keep what the current projection answers, pinned to what it covers."""
    path = _path(book, name)
    there = os.path.lexists(path)
    if there and not replace:
        message = f"there is a report {name} already: choose another name, or add --replace"
        raise UsageError(message)
    questions = _questions(queries)
    with book.open_projection() as connection, book.open_log() as log:
        current = meta.read(connection)
        refuse_another_log(log, current.watermark, current.seal_digest, "the projection")
        report = _asked(connection, current, questions)
        if queries:
            _refuse_other_answers(connection, report)
        stale = staleness.of(book, log, current)
    text = pinned.as_text(report)
    if not dry_run:
        _write(path, text)
    data = {
        "name": name,
        "file": str(path),
        "dry_run": dry_run,
        "replaced": there and not dry_run,
        **_pinned_to(report),
        "figures": [{"label": one.label, "rows": len(one.rows)} for one in report.figures],
        "stale_because": stale.because if stale else None,
    }
    rows = sum(len(figure.rows) for figure in report.figures)
    verdict = (
        f"{'would save' if dry_run else 'saved'} {name}: {counted(len(report.figures), 'figure')}, "
        f"{counted(rows, 'row')}, {_footer(report)}"
    )
    verdict += staleness.warning(stale) + (" (dry run: nothing was written)" if dry_run else "")
    return Outcome(verdict, data)


def listed(book: Book) -> Outcome:
    """List the reports; one that cannot be read is named with the reason."""
    told: list[dict[str, Any]] = []
    for name in names(book):
        try:
            report = pinned.read(_path(book, name))
        except CannotDoError as error:
            told.append({"name": name, "error": str(error)})
            continue
        rows = sum(len(figure.rows) for figure in report.figures)
        told.append(
            {
                "name": name,
                "saved_at": _moment(report),
                "watermark": report.watermark,
                "figures": len(report.figures),
                "rows": rows,
            }
        )
    told += [{"name": name, "error": str(error)} for name, error in strays(book).items()]
    good = [one for one in told if "error" not in one]
    body: list[RenderableType] = []
    if good:
        body.append(render.as_table(pa.Table.from_pylist(good), closing=False))
    bad = [one["error"] for one in told if "error" in one]
    verdict = counted(len(told), "report")
    if bad:
        verdict += f", {len(bad)} of them cannot be read"
    code = outcome.FAILED if bad else outcome.GOOD
    return Outcome(verdict, {"reports": told}, [*body, *bad], code)


def shown(book: Book, name: str) -> Outcome:
    """Show the figures of a report as they were saved."""
    report = pinned.read(existing(book, name))
    body: list[RenderableType] = []
    for figure in report.figures:
        numbers = {
            name
            for name, kind in zip(figure.columns, figure.types, strict=True)
            if kind.startswith(pinned.NUMBERS)
        }
        table = render.as_table(_table(figure), limit=_SCREEN_ROWS, numbers=numbers)
        body += [figure.label, table, ""]
    data = {
        "name": name,
        "saved_at": _moment(report),
        **_pinned_to(report),
        "figures": [figure.model_dump(mode="json") for figure in report.figures],
    }
    verdict = f"{name}, saved {_moment(report)}, {_footer(report)}"
    return Outcome(verdict, data, body)


_SCREEN_ROWS: Final = 1000


def _table(figure: Figure) -> pa.Table:
    columns = [
        pa.array([row[place] for row in figure.rows], _CELL) for place in range(len(figure.columns))
    ]
    return pa.table(columns, names=list(figure.columns))


# --- questions and files -------------------------------------------------------------------------


def _questions(queries: Sequence[str]) -> Sequence[Question]:
    if not queries:
        return pinned.DEFAULT
    asked = []
    for number, text in enumerate(queries, 1):
        if text.startswith("@"):
            known = query.saved_query(text)
            asked.append(Question(f"@{known.name}", known.sql))
        else:
            asked.append(Question(f"query {number}", text))
    return asked


def _asked(
    connection: duckdb.DuckDBPyConnection, current: Meta, questions: Sequence[Question]
) -> Report:
    figures = [answer(connection, question) for question in questions]
    return pinned.pin(current, figures, counts(connection), now())


def _refuse_other_answers(connection: duckdb.DuckDBPyConnection, report: Report) -> None:
    """Raise UsageError where a question, asked again, is answered otherwise."""
    for figure in report.figures:
        again = answer(connection, Question(figure.label, figure.sql))
        if not pinned.compare(figure, again).same:
            message = (
                f"{figure.label} was asked twice and answered otherwise: leave out what changes "
                "by itself (now(), random(), LIMIT without a full order), for no check would agree"
            )
            raise UsageError(message)


def answer(connection: duckdb.DuckDBPyConnection, question: Question) -> Figure:
    """Ask a question. Raise UsageError where the projection has not what it names."""
    table = query.run(connection, question.sql)
    columns = [texts(column).to_pylist() for column in table.columns]
    return Figure(
        label=question.label,
        sql=question.sql,
        columns=tuple(table.column_names),
        types=tuple(str(field.type) for field in table.schema),
        rows=tuple(zip(*columns, strict=True)),
    )


def counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Count what no figure holds."""
    (row,) = query.run(connection, pinned.LEFT_OUT).to_pylist()
    return dict(row)


_LEFT_OUT: Final = {
    "unreadable": ("unreadable event", "unreadable events"),
    "unknown_shapes": ("unknown shape", "unknown shapes"),
    "additive_shapes": ("shape with new keys", "shapes with new keys"),
    "unattributed_fills": ("unattributed fill", "unattributed fills"),
    "lots_without_net": ("lot without net", "lots without net"),
}


def left_out(found: Mapping[str, int]) -> str:
    """Return in words what no figure holds, or of what it is not known whose it is."""
    told = [
        counted(number, *_LEFT_OUT.get(what, (what,))) for what, number in found.items() if number
    ]
    return ", ".join(told) or "nothing"


def _footer(report: Report) -> str:
    return f"as of position {report.watermark:,}; left out: {left_out(report.left_out)}"


def _moment(report: Report) -> str:
    return f"{report.saved_at:%Y-%m-%dT%H:%M:%S}Z"


def _pinned_to(report: Report) -> dict[str, Any]:
    return {
        "watermark": report.watermark,
        "seal_digest": report.seal_digest,
        "code_digest": report.code_digest,
        "rules_version": report.rules_version,
        "rules_digest": report.rules_digest,
        "libraries": report.libraries,
        "content_fingerprint": report.content_fingerprint,
        "left_out": report.left_out,
    }


def refuse_another_log(log: SQLiteLog, watermark: int, digest: str | None, what: str) -> None:
    """Raise LogCorruptError where the log is not the one that `what` was computed from."""
    head = log.head()
    if head < watermark:
        message = (
            f"the log ends at {head:,} and {what} covers {watermark:,} events: it is another log, "
            "or it was cut; restore it from a backup"
        )
        raise LogCorruptError(message)
    seal = log.seal_of(watermark) if watermark else None
    told = seal.digest.hex() if seal else None
    if told != digest:
        message = (
            f"the log is not the one of {what}: its seal at {watermark:,} is {_short(told)} "
            f"instead of {_short(digest)}; restore it, `brokertruth verify` tells more"
        )
        raise LogCorruptError(message)


def _short(digest: str | None) -> str:
    return digest[:16] if digest else "none"


def _path(book: Book, name: str) -> Path:
    if not _NAME.fullmatch(name):
        message = (
            f"{name!r} cannot be the name of a report: begin with a letter or a digit, and use "
            "only letters, digits, - _ and . (at most 100)"
        )
        raise UsageError(message)
    return book.reports_path / f"{name}.json"


def existing(book: Book, name: str) -> Path:
    """Return the file of a report. Raise UsageError where there is none."""
    path = _path(book, name)
    if not path.is_file():
        known = ", ".join(names(book)) or "none"
        message = f"there is no report {name}; there are: {known}"
        raise UsageError(message)
    return path


def names(book: Book) -> list[str]:
    """Return the names of the reports, sorted."""
    found = (path for path in book.reports_path.glob("*.json") if path.is_file())
    return sorted(path.stem for path in found if _NAME.fullmatch(path.stem))


def strays(book: Book) -> dict[str, CannotDoError]:
    """Return what else is in the folder of the reports, and why it is none; but not hidden files.

    Each is named with the folder, so that no report is called so.
    """
    found: dict[str, CannotDoError] = {}
    known = {f"{name}.json" for name in names(book)}
    for path in sorted(book.reports_path.glob("[!.]*")):
        if path.name not in known:
            message = f"{path} is no report, whose file is NAME.json: move it to another folder"
            found[f"{book.reports_path.name}/{path.name}"] = CannotDoError(message)
    return found


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        raise CannotDoError(message) from error
    with shelf.whole(path) as file:
        file.write(text.encode())
