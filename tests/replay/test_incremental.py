"""New events applied to a projection give the tables of a full rebuild, or nothing changes."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.log.sqlite import SQLiteLog
from domain.errors import ProjectionError, RebuildNeededError
from domain.event import NewEvent
from domain.results import TABLES
from domain.rules import Rules
from projections import sql
from replay import fingerprint, meta
from replay.database import Resources, open_for_reading
from replay.incremental import advance, scopes
from replay.plan import AsOf, Plan
from replay.rebuild import rebuild
from tests.books import FILL, NOW, BookMaker, event, ledger
from tests.made.profile import thorough
from tests.replay.lives import RULES, life
from tests.replay.trips import trips

ROOT: Final = Path(__file__).resolve().parents[2]
PLAN: Final = Plan(NOW, RULES, Resources(threads=1))
Prints = dict[str, tuple[int, str, str]]


def until(position: int | None) -> Plan:
    return replace(PLAN, as_of=AsOf(position))


def prints(path: Path) -> Prints:
    """Return rows, full and content fingerprint of every table, and those of the whole.

    They are those that the file states, and those of its rows.
    """
    connection = open_for_reading(path)
    rows = connection.execute(
        "SELECT table_name, rows, fingerprint, content_fingerprint FROM table_fingerprint"
    ).fetchall()
    whole = meta.read(connection)
    counted = fingerprint.of_tables(connection, TABLES)
    connection.close()
    stated = {name: (count, full, content) for name, count, full, content in rows}
    assert stated == {one.table: (one.rows, one.full, one.content) for one in counted}
    return stated | {"": (whole.watermark, whole.fingerprint, whole.content_fingerprint)}


def rebuilt(log: SQLiteLog, path: Path, position: int | None = None) -> Path:
    rebuild(log, path, until(position))
    return path


def differing(log: SQLiteLog, folder: Path, cuts: Sequence[int]) -> list[str]:
    """Build up to the first cut and advance over the others; return the tables that differ."""
    path = rebuilt(log, folder / "advanced.duckdb", cuts[0])
    for cut in [*cuts[1:], log.head()]:
        advance(log, path, until(cut))
    advanced, whole = prints(path), prints(rebuilt(log, folder / "rebuilt.duckdb"))
    assert advanced.keys() == whole.keys()
    return [name for name in whole if whole[name] != advanced[name]]


def compare(events: list[NewEvent], seed: int) -> list[str]:
    random = Random(seed)
    with TemporaryDirectory() as name:
        folder = Path(name)
        with SQLiteLog.open(folder / "log.db", create=True) as log:
            log.append(events)
            places = range(log.head())
            cuts = sorted(random.sample(places, min(len(places), random.randint(1, 3))))
            return differing(log, folder, cuts)


def often(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


@often(thorough(2, 700))
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 5))
def test_a_book_that_is_advanced_in_pieces_is_the_one_that_is_rebuilt(seed: int, size: int) -> None:
    assert compare(life(seed, size), seed) == []


@often(thorough(1, 300))
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 4))
def test_so_it_is_where_statements_tell_of_the_account_too(seed: int, size: int) -> None:
    assert compare(life(seed, size, statements=True), seed) == []


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many fills each application left alone, of instruments that it changed."""
    left: list[int] = []
    close = scopes.Scope._close

    def closing(scope: scopes.Scope) -> None:
        close(scope)
        ((fills,),) = scope.connection.execute(
            "SELECT count(*) FROM stored_fill SEMI JOIN cut USING (venue, instrument_id)"
            " ANTI JOIN old_fill USING (row)"
        ).fetchall()
        left.append(fills)

    monkeypatch.setattr(scopes.Scope, "_close", closing)
    return left


def test_what_lies_before_a_flat_moment_is_left_alone(cuts: list[int], tmp_path: Path) -> None:
    for seed in range(thorough(1, 100)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with SQLiteLog.open(folder / "log.db", create=True) as log:
            log.append(trips(seed, 40))
            head = log.head()
            assert differing(log, folder, [head // 2, head - 9, head - 4]) == [], seed
    assert sum(fills > 0 for fills in cuts) > len(cuts) // 2


@pytest.mark.parametrize(("order", "left_alone"), [("another", 2), ("one", 0)])
def test_an_order_on_both_sides_of_a_flat_moment_moves_the_cut_back(
    books: BookMaker, cuts: list[int], tmp_path: Path, order: str, left_alone: int
) -> None:
    log = books.log(
        ledger(
            f"""
            A 10:00 yes 10 @ 0.62
            A 10:05 no 10 @ 0.40 order one
            A 11:00 yes 4 @ 0.35 order {order}
            A 11:05 no 4 @ 0.35
            A 12:00 yes 4 @ 0.35
            """
        )
    )
    assert differing(log, tmp_path, [3]) == []
    assert cuts == [left_alone]


def test_event_by_event_it_is_the_rebuilt_one_at_each_position(tmp_path: Path) -> None:
    with SQLiteLog.open(tmp_path / "log.db", create=True) as log:
        log.append(life(11, thorough(1, 3)))
        path = rebuilt(log, tmp_path / "advanced.duckdb", 0)
        for position in range(1, log.head() + 1):
            done = advance(log, path, until(position))
            assert (done.events, done.meta.watermark) == (1, position)
            if position % thorough(10, 1) == 0 or position == log.head():
                whole = rebuilt(log, tmp_path / f"rebuilt{position}.duckdb", position)
                assert prints(path) == prints(whole), position


@pytest.fixture(scope="module")
def log(shelf: BookMaker) -> SQLiteLog:
    return shelf.log(life(5, 2))


@pytest.fixture
def half(log: SQLiteLog, tmp_path: Path) -> Path:
    return rebuilt(log, tmp_path / "half.duckdb", log.head() // 2)


def test_where_nothing_is_new_nothing_is_done(log: SQLiteLog, half: Path) -> None:
    before = prints(half)
    done = advance(log, half, until(log.head() // 2))
    assert (done.events, done.facts, done.holdings) == (0, 0, 0)
    assert prints(half) == before


def test_what_was_done_is_told(books: BookMaker, tmp_path: Path) -> None:
    lines = ledger(
        """
        A 10:00 yes 10 @ 0.62
        B 10:00 yes 5 @ 0.40
        A 11:00 no 4 @ 0.35
        """
    )
    log = books.log(lines)
    path = rebuilt(log, tmp_path / "book.duckdb", 2)
    done = advance(log, path, until(None))
    assert (done.events, done.facts, done.holdings, done.unreadable) == (1, 1, 1, 0)
    assert (done.meta.watermark, done.meta.as_of, done.unknown_shapes) == (3, "", 0)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("code_digest", "other", "another version of the program made it"),
        ("rules_digest", "other", "it was made with other rules"),
        ("libraries", "duckdb 0", "it was made with other libraries"),
        ("seal_digest", "00", "it was made from another log"),
        ("watermark", "1000000", "it is ahead of what is asked for"),
        ("as_of", "received 2026-06-01T00:00:00+00:00", "it is as of received 2026-06-01"),
    ],
)
def test_what_cannot_be_continued_is_refused(
    log: SQLiteLog, half: Path, column: str, value: str, reason: str
) -> None:
    connection = duckdb.connect(str(half))
    connection.execute(f"UPDATE projection_meta SET {column} = ?", [value])
    connection.close()
    before = prints(half)
    with pytest.raises(RebuildNeededError, match=reason):
        advance(log, half, PLAN)
    assert prints(half) == before


def test_a_book_as_of_a_time_is_not_advanced(log: SQLiteLog, half: Path) -> None:
    for cut in (AsOf(received=NOW), AsOf(happened=NOW)):
        with pytest.raises(RebuildNeededError, match="as of a time"):
            advance(log, half, replace(PLAN, as_of=cut))


def test_other_rules_are_refused(log: SQLiteLog, half: Path) -> None:
    with pytest.raises(RebuildNeededError, match="other rules"):
        advance(log, half, Plan(NOW, Rules.of_prefixes({"x": "other"})))


def test_a_missing_projection_is_named(log: SQLiteLog, tmp_path: Path) -> None:
    with pytest.raises(ProjectionError, match=r"none\.duckdb is missing"):
        advance(log, tmp_path / "none.duckdb", PLAN)


def test_a_shape_that_finds_its_reader_later_needs_a_rebuild(
    books: BookMaker, tmp_path: Path
) -> None:
    (known,) = ledger("A 10:00 yes 10 @ 0.62")
    shape = known.state.decode().partition('"shape":"')[2][:32]
    log = books.log([event(FILL, '{"fill_id": "x"}', shape=shape)], [known])
    path = rebuilt(log, tmp_path / "book.duckdb", 1)
    before = prints(path)
    with pytest.raises(RebuildNeededError, match=rf"shape {shape} of kalshi\.fill was unknown"):
        advance(log, path, PLAN)
    assert prints(path) == before


def test_a_step_that_fails_leaves_everything_as_it_was(
    log: SQLiteLog, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = sql.text
    before = prints(half)
    meta.code_digest()
    with monkeypatch.context() as patched:
        patched.setattr(
            sql,
            "text",
            lambda folder, name: (
                "SELECT error('the step died')" if name == "strategy_status" else text(folder, name)
            ),
        )
        with pytest.raises(ProjectionError, match=r"nothing changed: .*the step died"):
            advance(log, half, PLAN)
    assert prints(half) == before
    advance(log, half, PLAN)
    whole = rebuilt(log, half.with_name("rebuilt.duckdb"))
    assert prints(half) == prints(whole)


KILLED: Final = """
import os, signal, sys
from datetime import datetime, timezone
from pathlib import Path
from adapters.log.sqlite import SQLiteLog
from replay import incremental
from replay.incremental import applying
from replay.plan import Plan
from tests.replay.lives import RULES
where = sys.argv[3]
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
if where == "in the steps":
    applying.flow.check = die
else:
    incremental.meta.write = die
with SQLiteLog.open(Path(sys.argv[1])) as log:
    plan = Plan(datetime(2026, 11, 21, 12, tzinfo=timezone.utc), RULES)
    incremental.advance(log, Path(sys.argv[2]), plan)
"""


@pytest.mark.parametrize("where", ["in the steps", "before the watermark"])
def test_killed_in_the_middle_the_old_state_is_there(
    log: SQLiteLog, half: Path, where: str
) -> None:
    before = prints(half)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(log.path), str(half), where],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert prints(half) == before
    advance(log, half, PLAN)
    assert prints(half) == prints(rebuilt(log, half.with_name("rebuilt.duckdb")))


def test_the_time_of_building_is_that_of_the_plan(log: SQLiteLog, half: Path) -> None:
    later = datetime(2026, 12, 24, 18, tzinfo=UTC)
    assert advance(log, half, replace(PLAN, built_at=later)).meta.built_at == later
