import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventsourcing.persistence import InfrastructureFactory, IntegrityError, StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from adapters.log.recorder import TRIGGERS, LogRecorder
from adapters.log.sqlite import SQLiteLog
from adapters.log.verify import verify
from tests.contracts.event_log import KIND, assert_sound, made, made_page


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SQLiteLog]:
    with SQLiteLog.open(tmp_path / "log.sqlite", create=True) as log:
        yield log


@pytest.fixture
def raw(log: SQLiteLog) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(log.path, isolation_level=None)
    connection.execute("PRAGMA recursive_triggers = OFF")
    yield connection
    connection.close()


def library_events(count: int) -> list[StoredEvent]:
    return [StoredEvent(event.key, 1, event.kind, event.state) for event in made_page(count)]


# --- durable -------------------------------------------------------------------------------------


@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("fullfsync", 1), ("busy_timeout", 30_000)],
)
def test_every_connection_of_the_pool_commits_durably_and_waits(
    log: SQLiteLog, pragma: str, value: object, *, commit: bool
) -> None:
    datastore = log.recorder.datastore
    with datastore.get_connection(commit=commit) as one, datastore.get_connection(commit=False):
        cursor = one.cursor()
        cursor.execute(f"PRAGMA {pragma}")
        assert cursor.fetchone()[0] == value
    assert datastore.pool.num_in_pool == 2


def test_a_writer_of_this_process_waits_longer_for_its_turn_than_for_the_lock(
    log: SQLiteLog,
) -> None:
    assert log.recorder.datastore.pool.pool_timeout == 35


# --- append-only ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stored_events SET state = x'00' WHERE rowid = 1",
        "UPDATE OR REPLACE stored_events SET originator_version = 1",
        "UPDATE stored_events SET rowid = 9 WHERE rowid = 1",
        "DELETE FROM stored_events",
        "DELETE FROM stored_events WHERE rowid = 2",
        "REPLACE INTO stored_events SELECT * FROM stored_events WHERE rowid = 1",
        "INSERT OR REPLACE INTO stored_events SELECT * FROM stored_events WHERE rowid = 2",
        "INSERT OR REPLACE INTO stored_events(rowid, originator_id) VALUES (1, 'other key')",
        "INSERT OR REPLACE INTO stored_events(rowid, originator_id) VALUES (2, 'other key')",
        "INSERT INTO seals SELECT * FROM seals WHERE last = 2 ON CONFLICT DO UPDATE SET first = 0",
        "UPDATE seals SET digest = x'00'",
        "DELETE FROM seals",
        "REPLACE INTO seals VALUES (1, 2, x'00')",
        "INSERT OR REPLACE INTO seals SELECT * FROM seals",
    ],
)
def test_what_is_in_the_log_cannot_be_changed_replaced_or_removed(
    log: SQLiteLog, raw: sqlite3.Connection, statement: str
) -> None:
    log.append(made_page(2))
    before = list(raw.iterdump())
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        raw.execute(statement)
    assert list(raw.iterdump()) == before


def test_both_tables_have_their_triggers(raw: sqlite3.Connection) -> None:
    found = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    assert dict(found) == TRIGGERS
    assert len(TRIGGERS) == 6


# --- the library's own interface -----------------------------------------------------------------


def test_events_of_the_library_get_their_positions_and_a_seal(log: SQLiteLog) -> None:
    assert list(log.recorder.insert_events(library_events(3)) or []) == [1, 2, 3]
    assert list(log.recorder.insert_events([]) or []) == []
    assert_sound(log)
    assert verify(log).problems == []


def test_the_library_is_told_of_a_revision_that_is_there(log: SQLiteLog) -> None:
    first, second = library_events(2)
    log.recorder.insert_events([first])
    with pytest.raises(IntegrityError):
        log.recorder.insert_events([second, first])
    assert log.head() == 1
    assert log.append([made("other")]).last_position == 2


def test_the_library_reads_what_the_log_appended(log: SQLiteLog) -> None:
    events = made_page(5)
    log.append(events)
    log.append([made("20260113-000000", '{"count":"corrected"}', "page 2", KIND)])
    recorder = log.recorder
    assert recorder.max_notification_id() == 6
    notes = recorder.select_notifications(2, 2)
    assert [(note.id, note.originator_id, note.topic) for note in notes] == [
        (2, events[1].key, KIND),
        (3, events[2].key, KIND),
    ]
    revisions = recorder.select_events(events[0].key)
    assert [(event.originator_version, event.topic) for event in revisions] == [
        (1, KIND),
        (2, KIND),
    ]
    assert revisions[0].state == events[0].state


def test_the_stock_recorder_of_the_library_reads_the_file(log: SQLiteLog) -> None:
    log.append(made_page(3))
    datastore = SQLiteDatastore(str(log.path), originator_id_type="text")
    try:
        stock = SQLiteApplicationRecorder(datastore)
        notes = stock.select_notifications(None, 10)
        assert [(note.id, note.originator_id, note.state) for note in notes] == [
            (position, event.key, event.state) for position, event in enumerate(made_page(3), 1)
        ]
        assert stock.max_notification_id() == 3
        assert len(stock.select_events(made_page(1)[0].key)) == 1
    finally:
        datastore.close()


def test_the_factory_of_the_library_makes_a_recorder_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    factory = InfrastructureFactory.construct(
        {"PERSISTENCE_MODULE": "adapters.log.recorder:LogFactory", "SQLITE_DBNAME": str(path)}
    )
    recorder = factory.application_recorder()
    assert isinstance(recorder, LogRecorder)
    assert list(recorder.insert_events(library_events(2)) or []) == [1, 2]
    factory.close()
    with SQLiteLog.open(path) as log:
        assert verify(log).problems == []
