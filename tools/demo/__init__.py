"""`demo`: the whole job on a bundled book, beside what a hand-written database would say.

The pages in `pages/` are made, not recorded (`tests/made/demo_pages.py` renders them). They take
the way of any file: copied into the book's folder, then ingest, drift, rebuild, query.
"""

import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Final

from rich.console import RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from domain.errors import CannotDoError, UsageError
from tools import book as books
from tools.book import Book
from tools.demo.comparison import TOTAL, Comparison, compare
from tools.demo.handwritten import PREFIXES
from tools.findings import drift
from tools.ingest import ingest
from tools.outcome import Outcome, counted
from tools.rebuilding import Wanted, rebuild

DEFAULT: Final = "brokertruth-demo"

_ABOUT: Final = (
    "A weather bot's year on Kalshi, told by the API in seven generations. The pages are made, not "
    "recorded, but most of what the API does in them it has done to real accounts. Everything "
    "below is computed now, from these pages, by the same code that reads yours."
)
_APPEND: Final = (
    "Every row goes into the log as it came, byte for byte, because nobody knows yet which field "
    "will matter. Known rows are not written twice; a row that is told differently is a revision."
)
_DRIFT: Final = (
    "Readers are chosen by the shape of a row, never by its date. A shape that nobody knows is not "
    "read and not guessed at: it is reported, and everything else goes on."
)
_REBUILD: Final = (
    "All results are computed anew from the log: a backfill is a replay. The same log and the same "
    "code give the same fingerprint, here, tomorrow, and on another machine."
)
_COLUMNS: Final = (
    "The same pages, read by the code that most bots have (tools/demo/handwritten.py) and by the "
    "ledger. It was right until the API moved on; what is wrong now has a reason beside it."
)


def demo(folder: Path | None) -> Outcome:
    """Make a book from the bundled pages, run the whole job on it, and compare."""
    home = _new_folder(folder)
    book = _make_book(home)
    pages = _copy_pages(home / "pages")
    taken = ingest(
        book,
        [str(home / "pages")],
        owner=book.owner(),
        as_of=None,
        dry_run=False,
        and_project=True,
    )
    drifted = drift(book)
    with book.open_log() as log:
        rebuilt = rebuild(book, log, Wanted(lenient=True))
    compared = compare(book, pages)
    commands = _commands(home, drifted)
    total = next(line for line in compared.lines if line.question == TOTAL)
    verdict = (
        f"realized P&L: a hand-written database says {total.handwritten}, "
        f"the ledger says {total.ledger} and can show why"
    )
    body = (
        *_step(1, "What this is", _ABOUT),
        *_step(2, "Append what the broker said", _APPEND),
        *_printable(taken),
        *_step(3, "What the API changed", _DRIFT),
        *_printable(drifted),
        *_step(4, "Rebuild", _REBUILD),
        *_rebuilt(taken, rebuilt),
        *_step(5, "Two columns", _COLUMNS),
        *_columns(compared),
        *_step(6, "Where it is, and what to try", None),
        *_where(home, commands),
    )
    return Outcome(verdict, _data(home, taken, drifted, rebuilt, compared, commands), body)


# --- the book ------------------------------------------------------------------------------------


def _new_folder(folder: Path | None) -> Path:
    """Make the folder: the one that is named, or the first default that is free."""
    try:
        if folder is None:
            return _first_free()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            message = f"{folder} is not empty: name a folder that is new or empty"
            raise UsageError(message)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make the folder {folder or DEFAULT}: {error.strerror}"
        raise CannotDoError(message) from error
    return folder


def _first_free() -> Path:
    path, number = Path(DEFAULT), 1
    while path.exists():
        number += 1
        path = Path(f"{DEFAULT}-{number}")
    path.mkdir()
    return path


def _make_book(home: Path) -> Book:
    """Make a book and name its strategies, as one does with an editor."""
    books.create(home, account="demo", mode="paper")
    path = home / books.RULES
    rules = "".join(
        f'\n[strategies.{strategy}]\nprefixes = ["{prefix}"]\n'
        for prefix, strategy in PREFIXES.items()
    )
    path.write_text(path.read_text("utf-8") + rules, "utf-8")
    return books.load(home)


def _copy_pages(folder: Path) -> list[Path]:
    folder.mkdir()
    bundled = resources.files("tools.demo") / "pages"
    for page in bundled.iterdir():
        (folder / page.name).write_bytes(page.read_bytes())
    return sorted(folder.iterdir())


# --- what people see -----------------------------------------------------------------------------


def _step(number: int, title: str, why: str | None) -> Iterator[RenderableType]:
    yield Text()
    yield Rule(Text(f"{number}. {title}", style="bold"), align="left", style="dim")
    if why is not None:
        yield Text(why, style="dim")
        yield Text()


def _printable(outcome: Outcome) -> Iterator[RenderableType]:
    """Yield the body of a verb, its long lines wrapped, and its verdict."""
    for part in outcome.body:
        is_alert = isinstance(part, str) and part.startswith("DRIFT ALERT")
        yield Text(part, style="yellow" if is_alert else "") if isinstance(part, str) else part
    yield Text(outcome.verdict, style="bold")


def _rebuilt(taken: Outcome, rebuilt: Outcome) -> Iterator[RenderableType]:
    before, now = taken.data["projection"]["fingerprint"], rebuilt.data["fingerprint"]
    yield Text(rebuilt.verdict, style="bold")
    yield Text(f"fingerprint {now}")
    same = "the same as" if before == now else "NOT the same as"
    yield Text(f"which is {same} that of the projection that the append made")


def _columns(compared: Comparison) -> Iterator[RenderableType]:
    table = Table("question", box=None, header_style="bold")
    table.add_column("a hand-written\ndatabase says", justify="right")
    table.add_column("the ledger\nsays", justify="right")
    table.add_column("because")
    for line in compared.lines:
        table.add_row(
            Text(line.question),
            Text(line.handwritten, style="" if line.agrees else "red"),
            Text(line.ledger, style="green"),
            Text("" if line.agrees else line.reason, style="dim"),
        )
    yield table
    changed = compared.restatements - compared.fees_first_stated
    yield Text(
        f"Rows told again later added {counted(compared.fees_first_stated, 'fee')} that nobody had "
        f"stated before, and changed {counted(changed, 'known figure')}.",
        style="dim",
    )


def _where(home: Path, commands: list[dict[str, str]]) -> Iterator[RenderableType]:
    yield f"The book is {home}, with the pages in {home / 'pages'}. Worth trying:"
    for command in commands:
        yield Text()
        yield Text(f"  {command['why']}", style="dim")
        yield f"  {command['command']}"
    yield Text()


def _commands(home: Path, drifted: Outcome) -> list[dict[str, str]]:
    winner = drifted.data["canaries"][0]["subject"]
    tried = {
        f"explain {winner}": "the market for which the API said 0, down to the bytes",
        "query @pnl-by-strategy": "one of the saved questions; any DuckDB SQL works as well",
        f"ingest {shlex.quote(str(home / 'pages'))}": "the same pages again: nothing changes",
    }
    start = f"{_program()} --book {shlex.quote(str(home))}"
    return [{"command": f"{start} {verb}", "why": why} for verb, why in tried.items()]


def _program() -> str:
    """Return what to type: by its path where it lies below this folder and is on no PATH."""
    here, program = Path.cwd(), Path(sys.argv[0]).absolute()
    if shutil.which("brokertruth") is None and program.is_relative_to(here):
        return str(program.relative_to(here))
    return "brokertruth"


# --- what programs read --------------------------------------------------------------------------


def _data(
    home: Path,
    taken: Outcome,
    drifted: Outcome,
    rebuilt: Outcome,
    compared: Comparison,
    commands: list[dict[str, str]],
) -> dict[str, Any]:
    return {
        "book": str(home),
        "ingest": dict(taken.data),
        "drift": dict(drifted.data),
        "rebuild": dict(rebuilt.data),
        "comparison": [
            {
                "question": line.question,
                "handwritten": line.handwritten,
                "ledger": line.ledger,
                "agrees": line.agrees,
                "reason": None if line.agrees else line.reason,
            }
            for line in compared.lines
        ],
        "restatements": compared.restatements,
        "fees_first_stated": compared.fees_first_stated,
        "commands": commands,
    }
