"""`query` and `explain`: questions to the projection, and the way back from a figure."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pyarrow as pa
from rich.table import Table

from domain.errors import CannotDoError, UsageError
from replay import explain, meta, query
from tools import explaining, render
from tools.book import Book
from tools.outcome import Outcome, counted, stale_warning

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


def ask(book: Book, asked: str, *, form: str, output: Path | None, with_rows: bool) -> Outcome:
    """Run SQL or a saved query against the current projection.

    `with_rows` puts the answer into the outcome's data too, for `--json`.
    """
    if form not in FORMATS:
        message = f"--format {form!r}: use one of {', '.join(FORMATS)}"
        raise UsageError(message)
    if form == "parquet" and output is None:
        message = "--format parquet needs --output FILE"
        raise UsageError(message)
    text = query.saved_query(asked).sql if asked.startswith("@") else asked
    with book.open_projection() as connection:
        current = meta.read(connection)
        table = query.run(connection, text)
    with book.open_log() as log:
        stale = book.stale_because(log, current)
    verdict = f"{counted(table.num_rows, 'row')}, as of position {current.watermark:,}"
    verdict += stale_warning(stale)
    data: dict[str, object] = {"watermark": current.watermark, "stale_because": stale}
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
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        message = f"cannot write {output}: {error.strerror}"
        raise CannotDoError(message) from error
    return Outcome(f"{verdict}, written to {output}", {**data, "output": str(output)})


def walk_back(book: Book, target: str, *, limit: int) -> Outcome:
    """Explain a figure down to the raw payloads."""
    with book.open_projection() as connection, book.open_log() as log:
        node = explain.explain(connection, log, target, limit=limit)
        stale = book.stale_because(log, meta.read(connection))
    data = {"explanation": explaining.as_object(node), "stale_because": stale}
    verdict = f"explained {target}{stale_warning(stale)}"
    return Outcome(verdict, data, (explaining.as_tree(node),))
