"""Segments are used where they are good, and a rebuild comes to the same with and without them."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.log.sqlite import SQLiteLog
from adapters.segments import kept
from domain.errors import CannotDoError, ProjectionError
from replay.plan import AsOf
from replay.ports import Run
from tests.adapters.segments.lives import (
    LIFE,
    PAGE,
    hostile_log,
    kept_in,
    rebuilt,
    rich_log,
    segmented,
)
from tests.books import BookMaker
from tests.replay.test_skipping import TRADED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name a folder whose name has what a search for files would take for a pattern."""
    return tmp_path / "seg [a]*k=v 'q'"


@pytest.fixture
def log(books: BookMaker) -> Iterator[SQLiteLog]:
    """Give the log with a bit of everything."""
    with rich_log(books) as log:
        yield log


# --- the same with and without -------------------------------------------------------------------


@pytest.mark.parametrize("tail", [0, 1, 2 * PAGE])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_rebuild_is_the_same_from_segments_whatever_the_tail(
    books: BookMaker, tmp_path: Path, folder: Path, tail: int, threads: int
) -> None:
    with books.log(LIFE[: len(LIFE) - tail]) as log:
        segmented(folder, log)
        log.append(LIFE[len(LIFE) - tail :])
        from_log = rebuilt(log, tmp_path / "l.duckdb")
        segments = kept_in(folder, log)
        assert rebuilt(log, tmp_path / "s.duckdb", segments, threads=threads) == from_log
    assert (segments.used, from_log.events) == (len(LIFE) - tail, len(LIFE))
    assert (segments.problems, segments.warning()) == ([], "")
    assert from_log.unreadable == 0


def test_a_rebuild_from_several_segments_is_the_same(
    tmp_path: Path, folder: Path, log: SQLiteLog
) -> None:
    assert [(one.first, one.last) for one in segmented(folder, log)] == [
        (1, 100),
        (101, 200),
        (201, log.head()),
    ]
    segments = kept_in(folder, log)
    assert rebuilt(log, tmp_path / "s", segments) == rebuilt(log, tmp_path / "l")
    assert segments.used == log.head()


@pytest.mark.parametrize("position", [1, 99, 100, 101, 250, 10**9])
def test_a_rebuild_as_of_a_position_within_a_segment_is_the_same(
    tmp_path: Path, folder: Path, log: SQLiteLog, position: int
) -> None:
    segmented(folder, log)
    segments, as_of = kept_in(folder, log), AsOf(position=position)
    assert rebuilt(log, tmp_path / "s", segments, as_of) == rebuilt(
        log, tmp_path / "l", None, as_of
    )
    assert segments.used == min(position, log.head())


@pytest.mark.parametrize("day", [1, 21, 28])
def test_a_rebuild_as_of_what_had_been_received_or_had_happened_is_the_same(
    books: BookMaker, tmp_path: Path, folder: Path, day: int
) -> None:
    with hostile_log(books) as log:
        segmented(folder, log)
        moment = datetime(2026, 11, day, 12, tzinfo=UTC)
        for as_of in (AsOf(received=moment), AsOf(happened=moment)):
            made = rebuilt(log, tmp_path / "s", kept_in(folder, log), as_of)
            assert made == rebuilt(log, tmp_path / "l", None, as_of)


def test_hostile_kinds_and_states_are_kept_and_read_as_they_are(
    books: BookMaker, tmp_path: Path, folder: Path
) -> None:
    with hostile_log(books) as log:
        segmented(folder, log)
        made = rebuilt(log, tmp_path / "s", kept_in(folder, log))
        assert made == rebuilt(log, tmp_path / "l")
    assert made.unreadable > 20
    assert {path.parent.parent for path in tmp_path.rglob("*.parquet")} == {folder}


def test_an_empty_log_has_no_segments(books: BookMaker, tmp_path: Path, folder: Path) -> None:
    with books.log() as log:
        assert segmented(folder, log) == []
        assert rebuilt(log, tmp_path / "s", kept_in(folder, log)).events == 0


def test_a_folder_that_is_not_there_has_no_segments(folder: Path, log: SQLiteLog) -> None:
    assert list(kept_in(folder, log).runs(10)) == []


# --- what is missing is made ---------------------------------------------------------------------


def test_what_is_made_twice_is_the_same_to_the_byte(
    tmp_path: Path, folder: Path, log: SQLiteLog
) -> None:
    segmented(folder, log)
    segmented(tmp_path / "again", log)
    assert _bytes(folder) == _bytes(tmp_path / "again")
    assert len(_bytes(folder)) > 20


def test_only_what_is_missing_is_made_and_a_short_last_segment_is_written_anew(
    folder: Path, log: SQLiteLog
) -> None:
    segmented(folder, log)
    before = _bytes(folder)
    assert segmented(folder, log) == []
    head = log.head()
    log.append([one._replace(key=f"{one.key}-again") for one in TRADED])
    (made,) = segmented(folder, log)
    assert (made.first, made.last) == (201, log.head())
    after = _bytes(folder)
    old = f"000000000201-{head:012d}/"
    assert after == {**after, **{k: v for k, v in before.items() if not k.startswith(old)}}
    assert not any(name.startswith(old) for name in after)


@pytest.mark.parametrize(("until", "last"), [(99, 80), (100, 100), (250, 240), (19, None)])
def test_segments_end_at_seals(folder: Path, log: SQLiteLog, until: int, last: int | None) -> None:
    made = segmented(folder, log, until=until)
    assert (made[-1].last if made else None) == last
    assert [one.content.previous for one in made] == ["", *(one.digest for one in made)][
        : len(made)
    ]


def test_less_than_what_is_there_asks_for_nothing(folder: Path, log: SQLiteLog) -> None:
    segmented(folder, log)
    before = _bytes(folder)
    assert segmented(folder, log, until=50) == []
    assert _bytes(folder) == before


def test_what_is_bad_is_made_anew_with_all_behind_it(folder: Path, log: SQLiteLog) -> None:
    made = segmented(folder, log)
    good = _bytes(folder)
    shutil.rmtree(made[1].folder)
    assert [one.first for one in segmented(folder, log)] == [101, 201]
    assert _bytes(folder) == good


def test_one_process_changes_segments_at_a_time(folder: Path) -> None:
    folder.mkdir()
    left_over = folder / ".unfinished-000000000001-000000000100"
    left_over.mkdir()
    with kept.changing(folder):
        assert not left_over.exists()
        with pytest.raises(CannotDoError, match="another brokertruth"), kept.changing(folder):
            pass


# --- what is not good is not used ----------------------------------------------------------------


def test_segments_of_another_log_are_not_used(
    books: BookMaker, tmp_path: Path, folder: Path, log: SQLiteLog
) -> None:
    segmented(folder, log)
    with books.log(LIFE[1:]) as other:
        segments = kept_in(folder, other)
        assert rebuilt(other, tmp_path / "s", segments) == rebuilt(other, tmp_path / "l")
    assert segments.used == 0
    assert "of another log" in segments.warning()


def test_segments_that_reach_behind_a_log_that_was_restored_are_not_used(
    books: BookMaker, tmp_path: Path, folder: Path, log: SQLiteLog
) -> None:
    segmented(folder, log)
    pages = (LIFE[start : start + PAGE] for start in range(0, 220, PAGE))
    with books.log(*pages) as restored:
        segments = kept_in(folder, restored)
        assert rebuilt(restored, tmp_path / "s", segments) == rebuilt(restored, tmp_path / "l")
        assert (segments.used, restored.head()) == (200, 220)
        assert segments.warning().startswith("segment 000000000201-000000000291 was not used")
        assert [one.last for one in segmented(folder, restored)] == [220]


def test_segments_that_go_while_they_are_read_are_an_error_that_changes_nothing(
    tmp_path: Path, folder: Path, log: SQLiteLog
) -> None:
    segmented(folder, log)

    class Dropped:
        def runs(self, until: int) -> Iterator[Run]:
            for run in kept_in(folder, log).runs(until):
                for path in run.files.values():
                    path.unlink()
                yield run

    with pytest.raises(ProjectionError, match="segment"):
        rebuilt(log, tmp_path / "s.duckdb", Dropped())
    assert not (tmp_path / "s.duckdb").exists()


def test_behind_a_segment_that_is_missing_none_is_used(folder: Path, log: SQLiteLog) -> None:
    made = segmented(folder, log)
    with kept.changing(folder):
        kept.remove(made[0].folder)
    found = kept.look(folder, log)
    assert found.good == ()
    assert found.problems[0].what == "the one before it, from 1 on, is missing"


def test_what_is_dropped_is_gone(tmp_path: Path, folder: Path, log: SQLiteLog) -> None:
    segmented(folder, log)
    with kept.changing(folder):
        kept.drop(folder)
    assert [path.name for path in folder.iterdir()] == [".lock"]
    segments = kept_in(folder, log)
    assert rebuilt(log, tmp_path / "s", segments).events == log.head()
    assert (segments.used, segments.warning()) == (0, "")


def _bytes(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
