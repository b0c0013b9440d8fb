"""A rebuild is the same whoever runs it, or it leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pytest

from adapters.log.sqlite import SQLiteLog
from domain.errors import ProjectionError
from domain.rules import Rules
from replay.plan import Plan
from replay.rebuild import rebuild
from tests.books import NOW, BookMaker, Built, event
from tests.projections.random_markets import STRATEGIES, markets

SEED: Final = 7
EVENTS: Final = [
    event(kind, text) for payloads in markets(SEED, 60).values() for kind, text in payloads
]
ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPT: Final = """
import sys
from pathlib import Path
from adapters.log.sqlite import SQLiteLog
from datetime import datetime, timezone
from domain.rules import Rules
from replay.plan import Plan
from replay.rebuild import rebuild
from tests.projections.random_markets import STRATEGIES
with SQLiteLog.open(Path(sys.argv[1])) as log:
    plan = Plan(datetime(2026, 11, 21, tzinfo=timezone.utc), Rules.of_prefixes(STRATEGIES))
    print(rebuild(log, Path(sys.argv[2]), plan).meta.fingerprint)
"""


@pytest.fixture(scope="module")
def first(shelf: BookMaker) -> Built:
    return shelf.build(EVENTS, strategies=STRATEGIES)


@pytest.mark.parametrize(("threads", "chunk"), [(1, 250_000), (2, 250_000), (2, 17), (1, 64)])
def test_threads_and_chunks_do_not_show(
    books: BookMaker, first: Built, threads: int, chunk: int
) -> None:
    built = books.build(EVENTS, strategies=STRATEGIES, threads=threads, chunk_events=chunk)
    assert built.rebuilt.meta.fingerprint == first.rebuilt.meta.fingerprint


@pytest.mark.parametrize(
    "environment",
    [
        {"TZ": "Pacific/Kiritimati", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "1"},
        {"TZ": "America/New_York", "LC_ALL": "C", "PYTHONHASHSEED": "2", "PYTHONUTF8": "0"},
    ],
    ids=["far east, German", "New York, C"],
)
def test_another_process_elsewhere_makes_the_same_tables(
    books: BookMaker, first: Built, tmp_path: Path, environment: dict[str, str]
) -> None:
    log = books.log(EVENTS)
    log.close()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(log.path), str(tmp_path / "other.duckdb")],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == first.rebuilt.meta.fingerprint


def test_a_prefix_of_the_log_is_rebuilt_as_if_the_rest_were_not_there(books: BookMaker) -> None:
    half = len(EVENTS) // 2
    part = books.build(EVENTS, until=half)
    whole = books.build(EVENTS[:half])
    assert part.rebuilt.meta.fingerprint == whole.rebuilt.meta.fingerprint
    assert part.rebuilt.meta.watermark == half


def test_an_until_behind_the_head_means_the_head(books: BookMaker) -> None:
    built = books.build(EVENTS[:3], until=99)
    assert built.rebuilt.meta.watermark == 3


def test_an_empty_log_makes_empty_tables(books: BookMaker) -> None:
    built = books.build([])
    assert built.rebuilt.events == 0
    assert built.rebuilt.facts == 0
    assert built.rebuilt.meta.seal_digest is None
    assert built.rows("lot_match") == []


def test_rules_change_strategies_and_the_rules_digest_and_no_profit(
    books: BookMaker, first: Built
) -> None:
    built = books.build(EVENTS)
    assert built.rebuilt.meta.rules_digest != first.rebuilt.meta.rules_digest
    total = "SELECT sum(realized_gross) FROM lot_match"
    assert built.value(total) == first.value(total)


def test_a_target_that_exists_is_never_overwritten(books: BookMaker, first: Built) -> None:
    with books.log(EVENTS[:1]) as log, pytest.raises(ProjectionError, match="in the way"):
        rebuild(log, first.path, Plan(NOW))
    assert first.path.exists()


class ShortLog(SQLiteLog):
    """A log that gives one event fewer than it says it has."""

    def batches(self, after: int, until: int) -> pa.RecordBatchReader:
        return super().batches(after, until - 1)


def test_a_rebuild_that_fails_leaves_no_file(books: BookMaker, tmp_path: Path) -> None:
    books.log(EVENTS[:3]).close()
    target = tmp_path / "failed" / "book.duckdb"
    target.parent.mkdir()
    with (
        ShortLog.open(tmp_path / "log1.db") as log,
        pytest.raises(ProjectionError, match="2 of 3 events"),
    ):
        rebuild(log, target, Plan(NOW))
    assert list(target.parent.iterdir()) == []


def test_a_rebuild_that_the_user_stops_leaves_no_file(books: BookMaker, tmp_path: Path) -> None:
    def stop(what: str, _done: int, _total: int) -> None:
        if what.startswith("computing"):
            raise KeyboardInterrupt

    target = tmp_path / "stopped" / "book.duckdb"
    target.parent.mkdir()
    with books.log(EVENTS) as log, pytest.raises(KeyboardInterrupt):
        rebuild(log, target, Plan(NOW, progress=stop))
    assert list(target.parent.iterdir()) == []


CHECKS: Final = {
    "cash_truth": "UPDATE lot_match SET realized_gross = realized_gross + 0.01",
    "cash_truth_ibkr": (
        "INSERT INTO cash_ledger SELECT * REPLACE ('ibkr' AS venue, 'dividend' AS cause)"
        " FROM cash_ledger LIMIT 1"
    ),
    "one_number": "UPDATE daily_pnl SET realized_gross = realized_gross + 0.01",
    "fees_once": "UPDATE cash_ledger SET amount = 2 * amount WHERE cause = 'fee'",
    "facts_once": "INSERT INTO fill FROM fill LIMIT 1",
    "trade_is_its_lots": "UPDATE trade SET realized_net = realized_net + 0.01",
    "position_is_its_fills": "UPDATE position SET cost = cost + 0.01",
    "strategies_are_the_account": "UPDATE trade SET realized_gross = realized_gross + 0.01",
    "every_decision_resolved": "UPDATE outcome SET realized_net = realized_net + 0.01",
    "no_event_lost": "DELETE FROM unreadable; DELETE FROM settlement",
}


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_finds_a_table_that_was_tampered_with(
    first: Built, tmp_path: Path, check: str
) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(first.path.read_bytes())
    query = (ROOT / "projections" / "checks" / f"{check}.sql").read_text()
    with duckdb.connect(str(copy)) as connection:
        assert connection.execute(query).fetchall() == []
        connection.execute(CHECKS[check])
        assert connection.execute(query).fetchall() != []


@pytest.mark.parametrize(
    "tampered",
    [
        "DELETE FROM attribution WHERE rowid = 0",
        "INSERT INTO attribution FROM attribution LIMIT 1",
        "UPDATE attribution SET account = 'other' WHERE rowid = 0",
        "UPDATE attribution SET strategy = 'alpha' WHERE strategy = 'unattributed'",
        "UPDATE attribution SET evidence_positions = []",
        "UPDATE daily_pnl SET realized_net = realized_net + 0.01",
        "UPDATE daily_pnl SET account = 'other'",
        "UPDATE trade SET realized_net = realized_net + 0.01",
    ],
)
def test_fills_and_money_that_no_strategy_has_or_two_are_found(
    first: Built, tmp_path: Path, tampered: str
) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(first.path.read_bytes())
    query = (ROOT / "projections" / "checks" / "strategies_are_the_account.sql").read_text()
    with duckdb.connect(str(copy)) as connection:
        connection.execute(tampered)
        assert connection.execute(query).fetchall() != []


@pytest.mark.parametrize("table", ["daily_pnl", "lot_match"])
def test_profit_that_is_missing_altogether_is_not_one_number(
    first: Built, tmp_path: Path, table: str
) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(first.path.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute(f"DELETE FROM {table}")
        query = (ROOT / "projections" / "checks" / "one_number.sql").read_text()
        assert connection.execute(query).fetchall() != []


@pytest.mark.parametrize(
    "moved",
    ["day = day + INTERVAL 1 DAY", "strategy = strategy || '?'", "family = family || '?'"],
)
def test_profit_that_stands_elsewhere_is_not_one_number(
    first: Built, tmp_path: Path, moved: str
) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(first.path.read_bytes())
    row = "(SELECT min(rowid) FROM daily_pnl WHERE realized_gross <> 0)"
    with duckdb.connect(str(copy)) as connection:
        connection.execute(f"UPDATE daily_pnl SET {moved} WHERE rowid = {row}")
        query = (ROOT / "projections" / "checks" / "one_number.sql").read_text()
        assert connection.execute(query).fetchall() != []


def test_every_check_is_shown_to_work() -> None:
    files = {path.stem for path in (ROOT / "projections" / "checks").glob("*.sql")}
    assert files == CHECKS.keys()


def test_progress_counts_events_and_steps(books: BookMaker, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    with books.log(EVENTS[:10]) as log:
        plan = Plan(
            NOW,
            Rules(),
            chunk_events=4,
            progress=lambda what, done, total: seen.append((what, done, total)),
        )
        rebuild(log, tmp_path / "book.duckdb", plan)
    assert [row for row in seen if row[0] == "reading"] == [
        ("reading", done, 10) for done in (0, 4, 8, 10)
    ]
    assert seen[-1][1] == seen[-1][2]
