"""`brokertruth` as its users meet it: arguments in; exit code, standard output and error out.

`run` stays in this process, `start` and `finish` use the real console script. The pages are made:
one market, ten YES bought, four of them sold again as NO, the rest settled.
"""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from typer.testing import CliRunner

from tools.cli import app
from tools.fake_kalshi.payloads import fill_json, page, settlement_json
from tools.fake_kalshi.truths import Ending, Execution

SCRIPT: Final = Path(sys.executable).with_name("brokertruth")
MARKET: Final = "KXMADE-26JUN01-T71"
DAY: Final = "2026-06-01"

BOUGHT: Final = Execution(
    fill_id="fill-1",
    order_id="order-1",
    client_order_id="bot-1",
    ticker=MARKET,
    acquired="yes",
    action="buy",
    quantity=Decimal(10),
    yes_price=Decimal("0.62"),
    taker=True,
    fee=Decimal("0.17"),
    at=datetime(2026, 6, 1, 10, tzinfo=UTC),
)
SOLD: Final = replace(
    BOUGHT,
    fill_id="fill-2",
    order_id="order-2",
    client_order_id=None,
    acquired="no",
    action="sell",
    quantity=Decimal(4),
    yes_price=Decimal("0.65"),
    fee=Decimal("0.10"),
    at=datetime(2026, 6, 1, 11, tzinfo=UTC),
)
ENDED: Final = Ending(MARKET, "yes", None, datetime(2026, 6, 1, 12, tzinfo=UTC))
# 4 * (0.65 - 0.62) + 6 * (1 - 0.62), and 0.27 of fees
GROSS: Final = "2.4"
NET: Final = "2.13"


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of one run."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output; nothing else may stand there."""
        line, end, rest = self.out.partition("\n")
        assert (end, rest) == ("\n", ""), self.out
        parsed = json.loads(line)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def verdict(self) -> str:
        """The closing line."""
        return self.out.rstrip("\n").rpartition("\n")[2]


def run(book: Path, *arguments: str | Path, stdin: str | None = None) -> Ran:
    """Run a verb in this process."""
    words = ["--book", str(book), *map(str, arguments)]
    done = CliRunner().invoke(app, words, input=stdin, catch_exceptions=False)
    return Ran(done.exit_code, done.stdout, done.stderr)


def start(
    *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start the console script in a folder, with BROKERTRUTH_BOOK only if it is given."""
    inherited = {name: text for name, text in os.environ.items() if name != "BROKERTRUTH_BOOK"}
    return subprocess.Popen(
        [SCRIPT, *arguments],
        cwd=folder,
        env={**inherited, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def finish(process: subprocess.Popen[str], stdin: str | None = None) -> Ran:
    """Wait for a console script to end."""
    out, err = process.communicate(stdin, timeout=120)
    return Ran(process.returncode, out, err)


def fills_page(executions: Iterable[Execution] = (BOUGHT, SOLD), generation: str = "3a") -> str:
    """Return a page of fills. Generation 3a is the last one that names client_order_id."""
    return page("fills", (fill_json(one, generation) for one in executions))


def settlements_page(executions: Sequence[Execution] = (BOUGHT, SOLD)) -> str:
    """Return a page with the settlement."""
    return page("settlements", [settlement_json(ENDED, executions, "3a")])


def edited(text: str, container: str, **changes: object) -> str:
    """Return a page with members of its first row changed; None removes one."""
    parsed = json.loads(text)
    row = parsed[container][0]
    for name, value in changes.items():
        row.pop(name, None)
        if value is not None:
            row[name] = value
    return json.dumps(parsed)


def written(folder: Path, **texts: str) -> Path:
    """Write texts as NAME.json into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.json").write_text(text, "utf-8")
    return folder


def small_book(folder: Path) -> Path:
    """Make a book with the two pages in it, projected; the pages lie beside it."""
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    return folder / "book"


@lru_cache(maxsize=1)
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="brokertruth-test-"))
    atexit.register(shutil.rmtree, folder)
    pages = written(folder / "pages", fills=fills_page(), settlements=settlements_page())
    assert run(folder / "book", "init").code == 0
    assert run(folder / "book", "ingest", pages).code == 0
    return folder


def take_up(book: Path, rules: str) -> None:
    """Write other rules, rebuild under them, and make that current."""
    (book / "attribution.toml").write_text(rules, "utf-8")
    assert run(book, "rebuild", "--lenient").code in (0, 1)
    assert run(book, "switch").code == 0


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, file by file, without SQLite's working files."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }
