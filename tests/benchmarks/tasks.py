"""What is measured, one task a process: `python -m tests.benchmarks.tasks NAME ARGUMENT…`.

Prints one JSON object: seconds, events, figures, peak memory in MB, seconds of our own work.
"""

import json
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from lxml import etree

from adapters import flex
from adapters.kalshi.client import Client
from adapters.kalshi.paging import pages
from adapters.kalshi.streams import LISTS
from adapters.log.sqlite import SQLiteLog
from domain.event import NewEvent, Owner
from tests.benchmarks import baselines, mixed, replaying
from tests.benchmarks.serving import serving
from tests.benchmarks.statements import write_statement
from tests.benchmarks.took import Took
from tools import book as books
from tools import fetch as fetching
from tools import ingest as ingesting
from tools import spool as spooling
from tools.recorder import Recorder

Row = TypeVar("Row")
BUILT_AT = datetime(2026, 1, 1, tzinfo=UTC)
# Not in the system's temporary folder, which may be memory: what is durable is measured.
WORK = Path(__file__).parents[2] / "build" / "benchmarks"


@contextmanager
def _work_folder() -> Iterator[str]:
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        yield folder


def _events(count: int) -> list[NewEvent]:
    return [event for page in mixed.pages(count) for event in page]


def append(count: int, batch: int) -> Took:
    """Append the corpus through the ledger's log, durable, sealed."""
    rows = _events(count)
    with (
        _work_folder() as folder,
        SQLiteLog.open(Path(folder, "log.sqlite"), create=True) as log,
    ):
        start = time.perf_counter()
        for piece in _pieces(rows, batch):
            log.append(piece)
        return Took(time.perf_counter() - start, len(rows))


def append_raw(count: int, batch: int) -> Took:
    """Insert the same bytes with sqlite3: same table, same durability, no seals, no checks."""
    rows = [(event.key, 1, event.kind, event.state) for event in _events(count)]
    with (
        _work_folder() as folder,
        closing(sqlite3.connect(Path(folder, "raw.sqlite"), isolation_level=None)) as raw,
    ):
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute(
            "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, "
            "topic TEXT, state BLOB, PRIMARY KEY (originator_id, originator_version))"
        )
        start = time.perf_counter()
        for piece in _pieces(rows, batch):
            raw.execute("BEGIN")
            raw.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", piece)
            raw.execute("COMMIT")
        return Took(time.perf_counter() - start, len(rows))


def _pieces(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def fetch(fills: int) -> Took:
    """Fetch an account from an exchange that allows 20 requests a second; do not project."""
    with _work_folder() as folder, serving(fills) as entry:
        book = books.create(Path(folder, "book"), account="main", mode="live")
        start = time.perf_counter()
        done = fetching.kalshi(book, fetching.Wanted(and_project=False), entry)
        seconds = time.perf_counter() - start
        assert done.exit_code == 0, done.verdict
        return Took(seconds, done.data["new"])


def fetch_bare(fills: int) -> Took:
    """Ask for the same pages at the same pace and do nothing with them."""
    with serving(fills) as entry:
        start = time.perf_counter()
        with Client(entry.site, entry.credentials, entry.clock) as client:
            tickers: set[str] = set()
            rows = 0
            for stream in LISTS:
                rows += _ask(client, stream.path, stream.container, stream.limit, {}, tickers)
            for some in _pieces(sorted(tickers - {""}), 100):
                named = {"tickers": ",".join(some)}
                rows += _ask(client, "/markets", "markets", 1000, named, set())
        return Took(time.perf_counter() - start, rows)


def _ask(
    client: Client, path: str, name: str, limit: int, named: dict[str, str], tickers: set[str]
) -> int:
    """Ask for all pages of a list, gather the markets that it names, and count its rows."""
    count = 0
    for page in pages(client, path, named, (name,), limit=limit):
        rows = page.containers[name] or []
        count += len(rows)
        values = (row.value for row in rows)
        tickers |= {str(one.get("ticker", "")) for one in values if isinstance(one, dict)}
    return count


def flex_parse(size: int) -> Took:
    """Parse a made Flex statement into a tree with lxml and do nothing with it."""
    with _work_folder() as folder:
        path = Path(folder, "made.xml")
        trades = write_statement(path, size)
        start = time.perf_counter()
        etree.parse(path)
        return Took(time.perf_counter() - start, trades)


def flex_read(size: int) -> Took:
    """Read the same statement twice, as an ingest does, and make its events; append none."""
    with _work_folder() as folder:
        path = Path(folder, "made.xml")
        write_statement(path, size)
        with path.open("rb") as file:
            start = time.perf_counter()
            seen = flex.survey(file, name="made.xml", book=Owner("main", "live"))
            made = sum(map(len, flex.batches(file, seen, received_at=BUILT_AT)))
            return Took(time.perf_counter() - start, made)


def flex_ingest(size: int) -> Took:
    """Take the same statement in, durable and sealed; do not project."""
    with _work_folder() as folder:
        path = Path(folder, "made.xml")
        write_statement(path, size)
        book = books.create(Path(folder, "book"), account="main", mode="live")
        start = time.perf_counter()
        done = ingesting.ingest(
            book, [str(path)], owner=book.owner(), as_of=None, dry_run=False, and_project=False
        )
        seconds = time.perf_counter() - start
        assert done.exit_code == 0, done.verdict
        return Took(seconds, done.data["new"])


def record(lines: int, fsync: int) -> Took:
    """Record quotes as a bot does, each acknowledged before the next."""
    with _work_folder() as folder, Recorder(folder, fsync=bool(fsync)) as recorder:
        start = time.perf_counter()
        for number in range(lines):
            assert recorder.record("market.quote", _quote(number)), recorder.last_error
        return Took(time.perf_counter() - start, lines)


def record_bare(lines: int) -> Took:
    """Write lines of the same length and sync each, and do nothing else."""
    with _work_folder() as folder:
        with Recorder(folder) as recorder:
            recorder.record("market.quote", _quote(0))
        line = b"x" * next(Path(folder).iterdir()).stat().st_size
        file = os.open(Path(folder, "bare"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        start = time.perf_counter()
        for _ in range(lines):
            os.write(file, line)
            os.fsync(file)
        seconds = time.perf_counter() - start
        os.close(file)
        return Took(seconds, lines)


def _quote(number: int) -> dict[str, object]:
    at = BUILT_AT + timedelta(seconds=number)
    return {"instrument": "KXMADE-26JUN01-T71", "quoted_at": at, "bid": 0.45, "ask": 0.46}


def spool(lines: int) -> Took:
    """Take recorded lines into the log, durable and sealed; do not project."""
    with _work_folder() as folder:
        book = books.create(Path(folder, "book"), account="main", mode="live")
        with Recorder(book.spool_path, fsync=False) as recorder:
            for number in range(lines):
                recorder.record("market.quote", _quote(number))
        start = time.perf_counter()
        done = spooling.spool(book, dry_run=False, and_project=False)
        seconds = time.perf_counter() - start
        assert done.exit_code == 0, done.verdict
        return Took(seconds, done.data["new"])


TASKS: dict[str, Callable[..., Took]] = {
    "append": append,
    "append-raw": append_raw,
    **replaying.TASKS,
    **baselines.TASKS,
    "fetch": fetch,
    "fetch-bare": fetch_bare,
    "flex-parse": flex_parse,
    "flex-read": flex_read,
    "flex-ingest": flex_ingest,
    "record": record,
    "record-bare": record_bare,
    "spool": spool,
}


def run(name: str, *arguments: str) -> None:
    """Run one task and print what it took."""
    given = [int(part) if part.isdigit() else part for part in arguments]
    before = time.process_time()
    took = TASKS[name](*given)
    busy = time.process_time() - before
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = took._asdict() | {"peak_mb": round(peak_mb), "busy_seconds": busy}
    print(json.dumps(told))


if __name__ == "__main__":
    run(*sys.argv[1:])
