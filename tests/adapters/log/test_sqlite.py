import errno
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from adapters.log.recorder import APPLICATION_ID
from adapters.log.sqlite import SQLiteLog
from adapters.log.verify import verify
from domain.errors import CannotDoError, LogCorruptError
from tests.contracts.event_log import assert_sound, made, made_page, seals, stored

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

SPAWN = multiprocessing.get_context("spawn")


def permissions_count() -> bool:
    """Tell whether this user can be kept out of a file at all; root usually cannot."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).chmod(0)
        return not os.access(file.name, os.R_OK)


needs_permissions = pytest.mark.skipif(
    not permissions_count(), reason="this user may read and write everything"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


@pytest.fixture
def log(path: Path) -> Iterator[SQLiteLog]:
    with SQLiteLog.open(path, create=True, lock_timeout=0) as log:
        yield log


# --- opening -------------------------------------------------------------------------------------


def test_a_log_is_there_again_when_it_is_opened_again(path: Path) -> None:
    with SQLiteLog.open(path, create=True) as log:
        log.append(made_page(3))
        before = stored(log)
    with SQLiteLog.open(path) as log:
        assert stored(log) == before


def test_create_leaves_a_log_that_is_there_alone(path: Path) -> None:
    with SQLiteLog.open(path, create=True) as log:
        log.append(made_page(3))
    with SQLiteLog.open(path, create=True) as log:
        assert log.head() == 3


def test_a_name_with_odd_characters_is_just_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a ?mode=memory&b%20#ü.sqlite"
    with SQLiteLog.open(path, create=True) as log:
        log.append(made_page(1))
    assert path.is_file()


def test_a_missing_log_is_not_made_by_accident(path: Path) -> None:
    with pytest.raises(CannotDoError, match="no event log; run `brokertruth init`") as caught:
        SQLiteLog.open(path)
    assert str(path) in str(caught.value)
    assert not path.exists()


def test_a_log_cannot_be_made_in_a_directory_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CannotDoError, match=f"{tmp_path / 'none'} is not a directory"):
        SQLiteLog.open(tmp_path / "none" / "log.sqlite", create=True)


def test_a_directory_is_not_a_log(tmp_path: Path) -> None:
    with pytest.raises(CannotDoError, match="is a directory"):
        SQLiteLog.open(tmp_path)


@pytest.mark.parametrize("create", [False, True])
def test_a_text_file_is_not_a_log_and_is_left_alone(path: Path, *, create: bool) -> None:
    path.write_text("These are my notes, and not a database.\n" * 50)
    before = path.read_bytes()
    with pytest.raises(CannotDoError, match="not an event log"):
        SQLiteLog.open(path, create=create)
    assert path.read_bytes() == before


@pytest.mark.parametrize("create", [False, True])
def test_the_database_of_another_program_is_left_alone(path: Path, *, create: bool) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE stored_events (x)")
    before = path.read_bytes()
    with pytest.raises(CannotDoError, match="not an event log"):
        SQLiteLog.open(path, create=create)
    assert path.read_bytes() == before


@pytest.mark.parametrize("create", [False, True])
def test_an_empty_file_is_not_a_log(path: Path, *, create: bool) -> None:
    path.touch()
    with pytest.raises(CannotDoError, match="empty; remove it, then run `brokertruth init`"):
        SQLiteLog.open(path, create=create)
    assert path.read_bytes() == b""


def test_making_a_log_leaves_nothing_of_its_making_behind(path: Path) -> None:
    SQLiteLog.open(path, create=True).close()
    beside = {f"{path.name}-wal", f"{path.name}-shm"}
    assert {found.name for found in path.parent.iterdir()} - beside == {path.name}


def test_a_log_can_be_made_where_there_are_no_hard_links(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with SQLiteLog.open(path, create=True) as log:
        assert log.append(made_page(1)).new == 1


@pytest.mark.parametrize("log_format", [0, 2, 99])
def test_a_log_of_another_format_is_refused(path: Path, log_format: int) -> None:
    SQLiteLog.open(path, create=True).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        connection.execute(f"PRAGMA user_version = {log_format}")
    with pytest.raises(CannotDoError, match=f"format {log_format}, this program knows 1"):
        SQLiteLog.open(path)


@needs_permissions
def test_a_file_that_may_not_be_read_is_refused(path: Path) -> None:
    SQLiteLog.open(path, create=True).close()
    path.chmod(0)
    with pytest.raises(CannotDoError, match="readable and writable"):
        SQLiteLog.open(path)


@needs_permissions
def test_a_directory_that_may_not_be_entered_is_refused(path: Path) -> None:
    path.parent.chmod(0)
    try:
        with pytest.raises(CannotDoError, match="readable and writable"):
            SQLiteLog.open(path)
    finally:
        path.parent.chmod(0o700)


@needs_permissions
def test_a_directory_that_may_not_be_written_is_refused(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with pytest.raises(CannotDoError, match="readable and writable"):
            SQLiteLog.open(path, create=True)
    finally:
        path.parent.chmod(0o700)


@needs_permissions
def test_a_log_that_may_not_be_written_takes_nothing(path: Path) -> None:
    SQLiteLog.open(path, create=True).close()
    path.chmod(0o400)
    with SQLiteLog.open(path) as log, pytest.raises(CannotDoError, match="writable for this user"):
        log.append(made_page(1))


# --- when something is in the way ----------------------------------------------------------------


def test_a_lock_that_is_held_too_long_is_reported_and_nothing_is_written(log: SQLiteLog) -> None:
    log.append(made_page(1))
    with closing(sqlite3.connect(log.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CannotDoError, match="another program is writing into it") as caught:
            log.append(made_page(2))
        assert str(log.path) in str(caught.value)
        assert log.head() == 1
        other.execute("ROLLBACK")
    assert log.append(made_page(2)).new == 1


def test_a_full_disk_is_reported_and_nothing_of_the_batch_is_written(log: SQLiteLog) -> None:
    log.append(made_page(1))
    with log.recorder.datastore.get_connection(commit=True) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA max_page_count = 12")
    with pytest.raises(CannotDoError, match="disk is full; free some space"):
        log.append(made_page(1_000))
    assert (log.head(), len(seals(log))) == (1, 1)
    with log.recorder.datastore.get_connection(commit=True) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA max_page_count = 1000000")
    assert log.append(made_page(1_000)).new == 999
    assert_sound(log)


def test_a_log_that_was_closed_says_so(log: SQLiteLog) -> None:
    log.close()
    log.close()
    with pytest.raises(CannotDoError, match="was closed before"):
        log.append(made_page(1))
    with pytest.raises(CannotDoError, match="was closed before"):
        log.head()


def test_events_that_another_program_wrote_without_a_seal_stop_the_log(log: SQLiteLog) -> None:
    log.append(made_page(2))
    with closing(sqlite3.connect(log.path)) as other, other:
        other.execute("INSERT INTO stored_events VALUES ('k', 1, 'kind', x'00')")
    with pytest.raises(LogCorruptError, match="seals end at position 2, the events at 3") as caught:
        log.append(made_page(3))
    assert str(log.path) in str(caught.value)
    assert log.head() == 3


def test_a_hole_in_the_log_stops_a_reader(log: SQLiteLog) -> None:
    log.append(made_page(3))
    with closing(sqlite3.connect(log.path)) as other, other:
        other.execute("DROP TRIGGER stored_events_refuse_delete")
        other.execute("DELETE FROM stored_events WHERE rowid = 2")
    with pytest.raises(LogCorruptError, match="missing behind position 0"):
        log.batches(0, 3).read_all()


@pytest.mark.parametrize(
    "row",
    [
        "'k', 1, 'kind', NULL",
        "'k', 1, 'kind', 7",
        "NULL, 1, 'kind', x'00'",
        "'k', 'one', 'kind', x'00'",
        "'k', NULL, 'kind', x'00'",
    ],
)
def test_a_row_that_is_no_event_stops_a_reader(log: SQLiteLog, row: str) -> None:
    log.append(made_page(1))
    with closing(sqlite3.connect(log.path)) as other, other:
        other.execute(f"INSERT INTO stored_events VALUES ({row})")
    with pytest.raises(LogCorruptError, match="damaged events behind position 0"):
        log.batches(0, 2).read_all()


def test_large_events_come_in_smaller_batches(log: SQLiteLog) -> None:
    text = '"' + "x" * 1_100_000 + '"'
    log.append([made(f"{number:03d}", text) for number in range(100)])
    assert [batch.num_rows for batch in log.batches(0, 100)] == [64, 36]


# --- several writers -----------------------------------------------------------------------------


def append_pages(path: Path, start: "Barrier", first: int) -> None:
    """Append events that overlap with those of the other writers, in batches of all sizes."""
    with SQLiteLog.open(path, create=True) as log:
        start.wait()
        for number in range(40):
            log.append(made_page(1 + number % 7, start=first + 3 * number))


def append_acknowledging(path: Path, acknowledge: Connection) -> None:
    """Append batches of 50 until somebody puts an end to it."""
    with SQLiteLog.open(path) as log:
        number = 0
        while True:
            appended = log.append(made_page(50, start=50 * number))
            acknowledge.send(appended.last_position)
            number += 1


def make_together(directory: Path, start: "Barrier") -> None:
    """Make many logs at the same moments as the other processes, and append to each."""
    for number in range(20):
        start.wait()
        with SQLiteLog.open(directory / f"{number}.sqlite", create=True) as log:
            log.append([made("a"), made("b")])


def append_once(path: Path, identity: str) -> None:
    with SQLiteLog.open(path) as log:
        log.append([made(identity)])


def run(*arguments: object) -> None:
    process = SPAWN.Process(target=append_once, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_processes_that_append_overlapping_batches_lose_and_double_nothing(path: Path) -> None:
    start = SPAWN.Barrier(3)
    writers = [
        SPAWN.Process(target=append_pages, args=(path, start, first)) for first in (0, 0, 60)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    expected = {
        event.key
        for first in (0, 60)
        for number in range(40)
        for event in made_page(1 + number % 7, start=first + 3 * number)
    }
    with SQLiteLog.open(path) as log:
        assert {event.key for event in stored(log)} == expected
        assert log.head() == len(expected)
        assert_sound(log)
        assert verify(log).problems == []


def test_threads_that_append_overlapping_batches_lose_and_double_nothing(path: Path) -> None:
    with SQLiteLog.open(path, create=True) as log:
        threads = [
            Thread(target=lambda: [log.append(made_page(5, start=3 * n)) for n in range(30)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {event.key for event in stored(log)} == {event.key for event in made_page(92)}
        assert (log.head(), verify(log).problems) == (92, [])


def test_a_log_can_be_read_and_verified_while_another_process_writes(path: Path) -> None:
    with SQLiteLog.open(path, create=True) as log:
        receive, send = SPAWN.Pipe(duplex=False)
        writer = SPAWN.Process(target=append_acknowledging, args=(path, send), daemon=True)
        writer.start()
        try:
            for _ in range(20):
                acknowledged = receive.recv()
                events = stored(log)
                assert len(events) >= acknowledged
                assert [event.position for event in events] == list(range(1, len(events) + 1))
                assert verify(log).problems == []
        finally:
            writer.kill()
            writer.join()


@pytest.mark.parametrize("acknowledgements", [1, 2, 5, 9])
def test_a_writer_that_is_killed_leaves_whole_batches_and_all_it_acknowledged(
    path: Path, acknowledgements: int
) -> None:
    SQLiteLog.open(path, create=True).close()
    receive, send = SPAWN.Pipe(duplex=False)
    writer = SPAWN.Process(target=append_acknowledging, args=(path, send), daemon=True)
    writer.start()
    acknowledged = [receive.recv() for _ in range(acknowledgements)]
    writer.kill()
    writer.join()
    send.close()
    try:
        while True:
            acknowledged.append(receive.recv())
    except EOFError:
        pass
    with SQLiteLog.open(path) as log:
        assert log.head() >= acknowledged[-1]
        assert log.head() % 50 == 0
        assert verify(log).problems == []
        assert log.append(made_page(50)).duplicates == 50


# --- one SQLite library in this process ----------------------------------------------------------


def test_an_append_after_a_read_is_seen_by_every_process(path: Path) -> None:
    # Reading through a second SQLite library (ADBC's driver carries one) releases the locks of
    # this process: the next process to leave removes the write-ahead log, and "b" is lost.
    with SQLiteLog.open(path, create=True) as log:
        log.append([made("a")])
        assert len(stored(log)) == 1
        run(path, "other 1")
        log.append([made("b")])
        run(path, "other 2")
        log.append([made("c")])
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as other:
            assert other.execute("SELECT count(*) FROM stored_events").fetchone() == (5,)
        assert verify(log).problems == []


def test_the_log_loads_no_second_sqlite_library() -> None:
    code = (
        "import sys, adapters.log.anchor, adapters.log.verify;"
        "sys.exit(any(name.startswith('adbc_driver') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_processes_that_make_one_log_at_once_all_get_the_same_one(tmp_path: Path) -> None:
    start = SPAWN.Barrier(4)
    makers = [SPAWN.Process(target=make_together, args=(tmp_path, start)) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert [maker.exitcode for maker in makers] == [0, 0, 0, 0]
    for number in range(20):
        with SQLiteLog.open(tmp_path / f"{number}.sqlite") as log:
            assert (log.head(), verify(log).problems) == (2, [])
