"""Tasks that do what a user would pick instead: on the same events, to the same closed lots."""

import json
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from adapters.log.recorder import EVENTS
from domain.event import payload_bytes
from tests.benchmarks import per_event
from tests.benchmarks.aggregates import Holdings
from tests.benchmarks.double_entry import write_ledger
from tests.benchmarks.per_event import Closed, Key, Ledger
from tests.benchmarks.took import Took
from tests.oracle.payloads import replay_payloads


def _told(log: str) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(log)) as raw:
        for kind, state in raw.execute(f"SELECT topic, state FROM {EVENTS} ORDER BY rowid"):
            yield kind, payload_bytes(state)


def _ledger(log: str) -> Ledger:
    ledger = Ledger()
    for kind, payload in _told(log):
        ledger.read(kind, payload)
    return ledger


def _took(seconds: float, events: int, closed: dict[Key, list[Closed]]) -> Took:
    lots = sum(map(len, closed.values()))
    told = per_event.digest(per_event.sums_of(closed))
    return Took(seconds, events, {"closed_lots": lots, "digest": told})


def read_raw(log: str) -> Took:
    """Read every event of the log and do nothing with it."""
    start = time.perf_counter()
    with closing(sqlite3.connect(log)) as raw:
        read = 0
        for row in raw.execute(f"SELECT rowid, * FROM {EVENTS} ORDER BY rowid"):
            read += bool(row)
    return Took(time.perf_counter() - start, read)


def replay_narrow(log: str) -> Took:
    """Replay event by event in Python, to fills and closed lots."""
    start = time.perf_counter()
    closed = per_event.replay(_told(log))
    seconds = time.perf_counter() - start
    with closing(sqlite3.connect(log)) as raw:
        (events,) = raw.execute(f"SELECT max(rowid) FROM {EVENTS}").fetchone()
    return _took(seconds, events, closed)


def replay_wide(log: str) -> Took:
    """Replay Kalshi's part with the tests' oracle: lots, trades, cash, P&L as lists in memory."""
    told = [(kind, payload) for kind, payload in _told(log) if kind in _WIDE]
    start = time.perf_counter()
    replay_payloads(told)
    return Took(time.perf_counter() - start, len(told))


_WIDE: Final = frozenset({"kalshi.fill", "kalshi.settlement"})


def replay_aggregates(log: str) -> Took:
    """Replay fills and settlements through aggregates of the `eventsourcing` library.

    They are written first, beside the log, unless that was done before; only replaying counts.
    """
    path = Path(log).with_suffix(".aggregates")
    ledger = _ledger(log)
    if not path.exists():
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with Holdings(part) as holdings:
            holdings.write(ledger)
        with closing(sqlite3.connect(part)) as made:
            made.execute("PRAGMA journal_mode = DELETE")
        part.rename(path)
    keys = list(ledger.deals)
    events = sum(map(len, ledger.deals.values())) + len(ledger.settled)
    del ledger
    with Holdings(path) as holdings:
        start = time.perf_counter()
        closed = dict(holdings.replay(keys))
        return _took(time.perf_counter() - start, events, closed)


def book_double_entry(log: str, most: int, apart: int, python: str) -> Took:
    """Book the first fills with beancount, in an environment of its own.

    `apart` says whether each holding has an account of its own.
    """
    path = Path(log).with_suffix(f".{most}.beancount")
    written = write_ledger(path, _ledger(log), most, apart=bool(apart))
    ours = Ledger()
    ours.deals.update(written)
    gross = sum(total for *_, total in per_event.sums_of(ours.closed()))
    script = Path(__file__).with_name("run_beancount.py")
    done = subprocess.run([python, script, path], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    path.unlink()
    assert told["errors"] == 0, told
    assert told["gross"] == f"{gross:.8f}", (told["gross"], gross)
    return Took(told["seconds"], told["events"], {"peak_of_it_mb": told["peak_mb"]})


TASKS: Final[dict[str, Callable[..., Took]]] = {
    "read-raw": read_raw,
    "per-event": replay_narrow,
    "per-event-wide": replay_wide,
    "aggregates": replay_aggregates,
    "double-entry": book_double_entry,
}
