"""One log rebuilt in several ways, and the tables that do not come out the same.

The comparison is one function, `differing`, so that the test of the ledger and the canary of that
test (faults planted on purpose) cannot look at different things. A fault is SQL that a step runs
behind its own, made when the step runs: what it depends on is the way of the build.
"""

import json
import locale
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final
from unittest import mock

import duckdb

from adapters.log.sqlite import SQLiteLog
from domain.event import NewEvent
from domain.rules import Rules
from projections import sql
from replay import blank
from replay.database import Resources, open_for_reading, open_for_writing
from replay.plan import CHUNK_EVENTS, Plan
from replay.rebuild import rebuild
from tests.books import NOW
from tests.projections.random_markets import STRATEGIES

ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = Rules.of_prefixes(STRATEGIES)
WHOLE: Final = "the whole"
MORSELS: Final = "PRAGMA verify_parallelism"
"""Lets the engine's threads take pieces of 2,048 rows, as they take 122,880 of a large book."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a book is made; with an environment, by a process of its own.

    page_events   how many events were appended at a time; 0: all at once
    morsels       whether threads share even small tables
    """

    threads: int = 1
    memory: str = ""
    chunk_events: int = CHUNK_EVENTS
    page_events: int = 0
    morsels: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


# --- faults --------------------------------------------------------------------------------------

_FAMILY: Final = "UPDATE instrument SET family = "


def _first_of_groups() -> str:
    groups = "SELECT instrument_id, count(*) AS fills FROM fill GROUP BY ALL"
    return f"{_FAMILY}(SELECT first(instrument_id) FROM ({groups}))"


def _numbered_without_order() -> str:
    return """
        UPDATE instrument AS i SET family = n.number::VARCHAR
        FROM (
            SELECT instrument_id, row_number() OVER () AS number
            FROM (SELECT instrument_id FROM fill GROUP BY ALL)
        ) AS n
        WHERE n.instrument_id = i.instrument_id
    """


def _numbered_over_ties() -> str:
    return """
        UPDATE instrument AS i SET family = n.number::VARCHAR
        FROM (
            SELECT instrument_id, row_number() OVER (ORDER BY account) AS number
            FROM (SELECT instrument_id, account FROM fill GROUP BY ALL)
        ) AS n
        WHERE n.instrument_id = i.instrument_id
    """


def _hash_seed() -> str:
    names = frozenset(f"family-{number}" for number in range(100))
    return f"{_FAMILY}'{next(iter(names))}'"


def _locale() -> str:
    text = "Zürich".encode().decode(locale.getencoding(), "replace")
    return f"{_FAMILY}'{text}'"


def _time_zone() -> str:
    return f"RESET TimeZone; {_FAMILY}TIMESTAMPTZ '2026-01-13 20:00:00+00'::DATE::VARCHAR"


def _threads() -> str:
    return f"{_FAMILY}current_setting('threads')::VARCHAR"


def _memory() -> str:
    return f"{_FAMILY}current_setting('memory_limit')"


IN_A_STEP: Final[dict[str, Callable[[], str]]] = {
    "first of groups": _first_of_groups,
    "numbered without order": _numbered_without_order,
    "numbered over ties": _numbered_over_ties,
    "hash seed": _hash_seed,
    "locale": _locale,
    "time zone": _time_zone,
    "threads": _threads,
    "memory": _memory,
}
IN_A_READER: Final = "numbered in its chunk"


@contextmanager
def planted(fault: str) -> Iterator[None]:
    """Let the step `instrument`, or the reader of fills, have a fault."""
    original = sql.text

    def text(folder: str, name: str) -> str:
        found = original(folder, name).rstrip().removesuffix(";")
        if fault in IN_A_STEP and (folder, name) == ("steps", "instrument"):
            return f"{found};\n{IN_A_STEP[fault]()}"
        if fault == IN_A_READER and (folder, name) == ("readers", "kalshi_fill"):
            number = "(count(*) OVER ())::VARCHAR AS client_order_id"
            return f"SELECT * REPLACE ({number}) FROM ({found}\n)"
        return found

    with mock.patch.object(sql, "text", text):
        yield


# --- builds --------------------------------------------------------------------------------------


def differing(
    folder: Path, events: Sequence[NewEvent], ways: Mapping[str, Way], fault: str = ""
) -> dict[str, list[str]]:
    """Build a book in each way; return those that differ from the first, with their tables."""
    folder.mkdir()
    made = {
        name: _made(folder / f"{number}", events, way, fault)
        for number, (name, way) in enumerate(ways.items())
    }
    expected = next(iter(made.values()))
    found = {
        name: sorted(
            table for table in expected | prints if expected.get(table) != prints.get(table)
        )
        for name, prints in made.items()
    }
    return {name: tables for name, tables in found.items() if tables}


def _made(folder: Path, events: Sequence[NewEvent], way: Way, fault: str) -> dict[str, str]:
    folder.mkdir()
    size = way.page_events or len(events)
    with SQLiteLog.open(folder / "log.sqlite", create=True) as log:
        for start in range(0, len(events), size):
            log.append(events[start : start + size])
    if not way.environment:
        return build(folder, way, fault)
    told = json.dumps({**asdict(way), "environment": {}})
    done = subprocess.run(
        [sys.executable, "-m", "tests.replay.determinism", str(folder), told, fault],
        cwd=ROOT,
        env={**os.environ, **way.environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    prints: dict[str, str] = json.loads(done.stdout)
    return prints


def build(folder: Path, way: Way, fault: str) -> dict[str, str]:
    """Rebuild the log of a folder; return the full fingerprint of each table and of the whole."""

    def opened(path: Path, resources: Resources) -> duckdb.DuckDBPyConnection:
        connection = open_for_writing(path, resources)
        if way.morsels:
            connection.execute(MORSELS)
        return connection

    target = folder / "book.duckdb"
    resources = Resources(threads=way.threads, memory=way.memory)
    plan = Plan(NOW, RULES, resources, chunk_events=way.chunk_events)
    with (
        SQLiteLog.open(folder / "log.sqlite") as log,
        mock.patch.object(blank, "open_for_writing", opened),
        planted(fault),
    ):
        made = rebuild(log, target, plan)
    with open_for_reading(target) as connection:
        tables = connection.execute(
            "SELECT table_name, rows || ' ' || fingerprint || ' ' || content_fingerprint"
            " FROM table_fingerprint"
        ).fetchall()
    whole = f"{made.meta.fingerprint} {made.meta.content_fingerprint}"
    return {**dict(tables), WHOLE: whole}


if __name__ == "__main__":
    _folder, _way, _fault = sys.argv[1:]
    print(json.dumps(build(Path(_folder), Way(**json.loads(_way)), _fault)))  # noqa: T201
