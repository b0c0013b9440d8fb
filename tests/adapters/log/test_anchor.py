import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from adapters.log.anchor import Anchor, check_anchor, read_anchors, write_anchor
from adapters.log.recorder import TRIGGERS
from adapters.log.sqlite import SQLiteLog
from adapters.log.verify import verify
from domain.errors import CannotDoError, UsageError
from tests.contracts.event_log import made_page

AT = datetime(2026, 1, 13, 14, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SQLiteLog]:
    with SQLiteLog.open(tmp_path / "log.sqlite", create=True) as log:
        log.append(made_page(3))
        yield log


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "anchors.jsonl"


def cut_back(log: SQLiteLog, position: int) -> None:
    """Remove the events from a position on, and their seals, behind the program's back."""
    with closing(sqlite3.connect(log.path)) as connection, connection:
        for name in TRIGGERS:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM stored_events WHERE rowid >= ?", (position,))
        connection.execute("DELETE FROM seals WHERE last >= ?", (position,))
        for statement in TRIGGERS.values():
            connection.execute(statement)


def test_an_anchor_is_one_json_line_with_position_digest_and_utc_time(
    log: SQLiteLog, anchors: Path
) -> None:
    seal = log.seal_head()
    assert seal is not None
    written = write_anchor(log, anchors, AT)
    assert written == Anchor(3, seal.digest.hex(), "2026-01-13T12:00:00.000000Z")
    assert json.loads(anchors.read_text()) == {
        "position": 3,
        "digest": seal.digest.hex(),
        "at": "2026-01-13T12:00:00.000000Z",
    }
    assert anchors.read_text().count("\n") == 1


def test_anchors_are_added_and_a_log_that_only_grew_agrees_with_all(
    log: SQLiteLog, anchors: Path
) -> None:
    first = write_anchor(log, anchors, AT)
    log.append(made_page(2, start=3))
    second = write_anchor(log, anchors, AT + timedelta(days=1))
    log.append(made_page(2, start=5))
    assert read_anchors(anchors) == [first, second]
    assert check_anchor(log, anchors) == []


def test_a_log_cut_back_behind_an_anchor_is_found_though_it_verifies(
    log: SQLiteLog, anchors: Path
) -> None:
    log.append(made_page(2, start=3))
    write_anchor(log, anchors, AT)
    cut_back(log, 4)
    assert verify(log).problems == []
    (problem,) = check_anchor(log, anchors)
    assert problem.position == 5
    assert "the log ends at position 3" in problem.what
    assert "2026-01-13T12:00:00.000000Z" in problem.what


def test_a_log_that_was_rewritten_is_found_though_it_verifies(
    log: SQLiteLog, anchors: Path
) -> None:
    write_anchor(log, anchors, AT)
    cut_back(log, 1)
    log.append(made_page(3, document="another page"))
    assert verify(log).problems == []
    (problem,) = check_anchor(log, anchors)
    assert problem.position == 3
    assert "the anchor says" in problem.what


def test_a_log_that_was_taken_in_again_in_other_batches_is_found(
    log: SQLiteLog, anchors: Path
) -> None:
    write_anchor(log, anchors, AT)
    cut_back(log, 1)
    log.append(made_page(5))
    (problem,) = check_anchor(log, anchors)
    assert "a seal over 1 to 5, none that ends at the anchor" in problem.what


def test_an_empty_log_cannot_be_anchored(tmp_path: Path, anchors: Path) -> None:
    with (
        SQLiteLog.open(tmp_path / "empty.sqlite", create=True) as log,
        pytest.raises(CannotDoError, match="nothing to anchor yet"),
    ):
        write_anchor(log, anchors, AT)
    assert not anchors.exists()


def test_a_time_without_a_zone_is_refused(log: SQLiteLog, anchors: Path) -> None:
    with pytest.raises(UsageError, match="needs a time zone"):
        write_anchor(log, anchors, datetime(2026, 1, 13))  # noqa: DTZ001
    assert not anchors.exists()


GOOD = json.dumps({"position": 3, "digest": "0" * 64, "at": "2026-01-13T12:00:00.000000Z"})


@pytest.mark.parametrize(
    "line",
    [
        "",
        "not JSON",
        "3",
        "{}",
        "[" * 100_000,
        '{"position": 3, "digest": "00", "at": "x"}',
        GOOD.replace("3,", '"3",'),
        GOOD.replace("3,", "true,"),
        GOOD.replace("3,", "0,"),
        GOOD.replace("0000", "zzzz"),
        GOOD.replace('"at"', '"when"'),
        GOOD.replace("}", ', "more": 1}'),
        "\x00\u2028",
    ],
)
def test_a_line_that_is_no_anchor_is_named_and_nothing_is_added(
    log: SQLiteLog, anchors: Path, line: str
) -> None:
    text = f"{GOOD}\n{line}\n"
    anchors.write_text(text)
    with pytest.raises(CannotDoError, match="line 2: this is not an anchor") as caught:
        check_anchor(log, anchors)
    assert str(anchors) in str(caught.value)
    with pytest.raises(CannotDoError, match="line 2: this is not an anchor"):
        write_anchor(log, anchors, AT)
    assert anchors.read_text() == text


def test_a_line_that_breaks_off_is_named(log: SQLiteLog, anchors: Path) -> None:
    anchors.write_text(GOOD[:40])
    with pytest.raises(CannotDoError, match="the last line breaks off"):
        check_anchor(log, anchors)


def test_bytes_that_are_no_text_are_no_anchor(log: SQLiteLog, anchors: Path) -> None:
    anchors.write_bytes(b"\xff\xfe\n")
    with pytest.raises(CannotDoError, match="line 1: this is not an anchor"):
        check_anchor(log, anchors)


def test_a_file_without_anchors_proves_nothing(log: SQLiteLog, anchors: Path) -> None:
    anchors.touch()
    with pytest.raises(CannotDoError, match="holds no anchor"):
        check_anchor(log, anchors)


def test_an_anchor_file_that_is_missing_or_a_directory_is_named(
    log: SQLiteLog, anchors: Path
) -> None:
    with pytest.raises(CannotDoError, match="cannot read the anchors"):
        check_anchor(log, anchors)
    with pytest.raises(CannotDoError, match="cannot read the anchors"):
        write_anchor(log, anchors.parent, AT)
    with pytest.raises(CannotDoError, match="cannot write the anchor"):
        write_anchor(log, anchors / "deeper.jsonl", AT)


def test_a_file_of_now_can_be_read_by_the_time_library(log: SQLiteLog, anchors: Path) -> None:
    written = write_anchor(log, anchors, AT)
    assert datetime.fromisoformat(written.at) == AT.astimezone(UTC)
