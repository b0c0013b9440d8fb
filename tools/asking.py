"""`query`: questions to the projection."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pyarrow as pa
from rich.table import Table

from domain.errors import CannotDoError, UsageError
from replay import query
from tools import footers, render, shelf
from tools.book import CURRENT, Book
from tools.outcome import Outcome, counted
from tools.output import refuse_own

FORMATS: Final = ("table", "csv", "json", "parquet")
SCREEN_ROWS: Final = 1000


def saved_queries() -> Outcome:
    """List the saved queries."""
    table = Table("query", "answers", box=None, header_style="bold")
    known = query.saved()
    for one in known:
        table.add_row(f"@{one.name}", one.question)
    data = {"queries": [{"name": one.name, "question": one.question} for one in known]}
    return Outcome(f"{len(known)} saved queries", data, (table,))


def ask(
    book: Book,
    asked: str,
    *,
    form: str,
    output: Path | None,
    with_rows: bool,
    on: str = CURRENT,
) -> Outcome:
    """Run SQL or a saved query against the current projection, or another one.

    `with_rows` puts the answer into the outcome's data too, for `--json`.
    """
    if form not in FORMATS:
        message = f"--format {form!r}: use one of {', '.join(FORMATS)}"
        raise UsageError(message)
    if form == "parquet" and output is None:
        message = "--format parquet needs --output FILE"
        raise UsageError(message)
    if output is not None:
        refuse_own(book, output, "--output")
        if form == "parquet" and not _is_file(output):
            message = f"--output {output}: parquet needs a file, which this is not"
            raise UsageError(message)
    text = query.saved_query(asked).sql if asked.startswith("@") else asked
    with book.open_projection(book.named(on)) as connection, book.open_log() as log:
        table = query.run(connection, text)
        footer = footers.of(book, log, connection)
    verdict = counted(table.num_rows, "row") + footer.verdict()
    data = footer.data()
    if with_rows:
        data["rows"] = render.as_rows(table)
    return _delivered(table, form, output, verdict, data)


def _delivered(
    table: pa.Table, form: str, output: Path | None, verdict: str, data: dict[str, object]
) -> Outcome:
    if form == "parquet" and output is not None:
        render.write_parquet(table, output)
        return Outcome(f"{verdict}, written to {output}", {**data, "output": str(output)})
    pieces: Iterable[str]
    if form == "table":
        pieces = (render.as_table(table, limit=SCREEN_ROWS, closing=False), "\n")
    elif form == "csv":
        pieces = render.csv_pieces(table)
    else:
        pieces = (render.as_json(table), "\n")
    if output is None:
        body = (pieces[0],) if isinstance(pieces, tuple) and form == "table" else ()
        return Outcome(verdict, data, body, raw=None if body else pieces)
    _write(pieces, output)
    return Outcome(f"{verdict}, written to {output}", {**data, "output": str(output)})


def _write(pieces: Iterable[str], output: Path) -> None:
    """Write a file whole or not at all; a pipe or a device takes what comes."""
    encoded = (piece.encode() for piece in pieces)
    if _is_file(output):
        with shelf.whole(output) as file:
            file.writelines(encoded)
        return
    try:
        with output.open("wb") as pipe:
            pipe.writelines(encoded)
    except OSError as error:
        message = f"cannot write {output}: {error.strerror}"
        raise CannotDoError(message) from error


def _is_file(output: Path) -> bool:
    """Tell whether a path is a file, or may become one."""
    try:
        return output.is_file() or not output.exists()
    except OSError:
        # said by whoever opens it
        return True
