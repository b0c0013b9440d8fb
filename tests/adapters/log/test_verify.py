import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from adapters.log.recorder import TRIGGERS
from adapters.log.sqlite import SQLiteLog
from adapters.log.verify import PROBLEMS_MAX, Problem, Verification, verify
from domain.errors import CannotDoError, LogCorruptError
from domain.event import NewEvent
from tests.contracts.event_log import made, made_page

SIZES = (1, 7, 3, 5)
FIRSTS = (1, 2, 9, 12)
HEAD = sum(SIZES)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a sound log of HEAD events in appends of SIZES, one of them a revision."""
    path = tmp_path_factory.mktemp("sound") / "log.sqlite"
    events = [*made_page(HEAD - 1), made("20260113-000003", '{"count":"other"}', "page 2")]
    with SQLiteLog.open(path, create=True) as log:
        for first, size in zip(FIRSTS, SIZES, strict=True):
            log.append(events[first - 1 : first - 1 + size])
    return path


def copied(sound: Path, directory: Path) -> Path:
    path = directory / "log.sqlite"
    shutil.copy(sound, path)
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    return copied(sound, tmp_path)


@contextmanager
def unguarded(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file behind the program's back, with its triggers away for the time."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for name in TRIGGERS:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for statement in TRIGGERS.values():
            connection.execute(statement)


def verified(path: Path) -> Verification:
    with SQLiteLog.open(path) as log:
        return verify(log)


def problems_after(path: Path, *statements: str) -> list[Problem]:
    with unguarded(path) as connection:
        for statement in statements:
            connection.execute(statement)
    return verified(path).problems


def first_of_seal(position: int) -> int:
    return max(first for first in FIRSTS if first <= position)


# --- a sound log ---------------------------------------------------------------------------------


def test_an_empty_log_verifies(tmp_path: Path) -> None:
    with SQLiteLog.open(tmp_path / "log.sqlite", create=True) as log:
        assert verify(log) == Verification(0, 0, None, [])


def test_a_sound_log_verifies_with_its_counts_and_head_digest(path: Path) -> None:
    with SQLiteLog.open(path) as log:
        seal = log.seal_head()
        assert seal is not None
        assert verify(log) == Verification(HEAD, len(SIZES), seal.digest, [])


def test_a_log_of_many_pages_verifies(tmp_path: Path) -> None:
    with SQLiteLog.open(tmp_path / "log.sqlite", create=True) as log:
        for number in range(300):
            log.append(made_page(3, start=3 * number))
        found = verify(log)
    assert (found.events, found.seals, found.problems) == (900, 300, [])


# --- any changed byte ----------------------------------------------------------------------------


def flip(value: object, byte: int, bit: int) -> object:
    """Change one bit of a stored value."""
    if isinstance(value, int):
        return value ^ (1 << bit)
    assert isinstance(value, bytes)
    at = byte % len(value)
    return value[:at] + bytes([value[at] ^ (1 << bit)]) + value[at + 1 :]


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(["originator_id", "originator_version", "topic", "state"]),
    st.integers(1, HEAD),
    st.tuples(st.integers(0, 2**16), st.integers(0, 7)),
)
def test_a_flipped_bit_of_an_event_is_found_at_the_seal_that_covers_it(
    sound: Path, tmp_path: Path, column: str, position: int, place: tuple[int, int]
) -> None:
    path = copied(sound, tmp_path)
    text = column in {"originator_id", "topic"}
    read = f"CAST({column} AS BLOB)" if text else column
    write = "CAST(? AS TEXT)" if text else "?"
    with unguarded(path) as connection:
        select = f"SELECT {read} FROM stored_events WHERE rowid = ?"
        (value,) = connection.execute(select, (position,)).fetchone()
        update = f"UPDATE OR IGNORE stored_events SET {column} = {write} WHERE rowid = ?"
        changed = connection.execute(update, (flip(value, *place), position)).rowcount
    # What is the key and revision of another event cannot be stored at all.
    assume(changed)
    assert verified(path).problems[0].position == first_of_seal(position)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(FIRSTS), st.integers(0, 31), st.integers(0, 7))
def test_a_flipped_bit_of_a_digest_is_found_at_its_seal(
    sound: Path, tmp_path: Path, first: int, byte: int, bit: int
) -> None:
    path = copied(sound, tmp_path)
    with unguarded(path) as connection:
        select = "SELECT digest FROM seals WHERE first = ?"
        (digest,) = connection.execute(select, (first,)).fetchone()
        update = "UPDATE seals SET digest = ? WHERE first = ?"
        connection.execute(update, (flip(digest, byte, bit), first))
    assert verified(path).problems[0].position == first


# --- what else can be wrong ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "position", "what"),
    [
        ("DELETE FROM stored_events WHERE rowid = 5", 5, "the events 5 to 5 are missing"),
        ("DELETE FROM stored_events WHERE rowid = 1", 1, "the events 1 to 1 are missing"),
        ("DELETE FROM stored_events WHERE rowid > 14", 15, "the events 15 to 16 are missing"),
        ("DELETE FROM stored_events", 1, "the events 1 to 16 are missing"),
        ("DELETE FROM seals WHERE last = 16", 12, "the events 12 to 16 carry no seal"),
        ("DELETE FROM seals", 1, "the events 1 to 16 carry no seal"),
        ("DELETE FROM seals WHERE last = 8", 2, "a seal over 9 to 11 follows one that ends at 1"),
        ("UPDATE seals SET first = 8 WHERE first = 9", 9, "a seal over 8 to 11 follows one"),
        ("UPDATE seals SET last = 10 WHERE last = 11", 9, "the events 9 to 10, or a seal"),
        ("UPDATE seals SET digest = 'text' WHERE first = 9", 9, "the events 9 to 11, or a seal"),
        ("UPDATE seals SET digest = NULL WHERE first = 9", 9, "the events 9 to 11, or a seal"),
        ("INSERT INTO seals VALUES (17, 20, x'00')", 17, "the events 17 to 20 are missing"),
        ("UPDATE stored_events SET rowid = -4 WHERE rowid = 4", -4, "positions begin with 1"),
        ("UPDATE stored_events SET state = NULL WHERE rowid = 4", 4, "what an event holds"),
        ("UPDATE stored_events SET topic = 5.5 WHERE rowid = 4", 4, "kalshi.fill"),
        ("UPDATE stored_events SET topic = NULL WHERE rowid = 4", 4, "what an event holds"),
        ("UPDATE stored_events SET topic = x'ff' WHERE rowid = 4", 4, "what an event holds"),
        ("UPDATE stored_events SET state = x'7b7d' WHERE rowid = 4", 4, "not an envelope"),
        (
            "UPDATE stored_events SET originator_version = 3 WHERE rowid = 16",
            16,
            "revision 3 of its key stands where revision 2 should",
        ),
        (
            "UPDATE stored_events SET originator_version = -1 WHERE rowid = 6",
            6,
            "revision -1 of its key stands where revision 1 should",
        ),
        (
            "INSERT INTO stored_events VALUES ('k', 1, 'kind', x'00')",
            17,
            "the events 17 to 17 carry no seal",
        ),
    ],
)
def test_tampering_is_named_with_its_position(
    path: Path, statement: str, position: int, what: str
) -> None:
    found = problems_after(path, statement)
    assert [problem for problem in found if problem.position == position and what in problem.what]
    assert all(problem.position >= first_of_seal(max(position, 1)) for problem in found[1:])


def test_two_events_that_changed_places_are_found(path: Path) -> None:
    found = problems_after(
        path,
        "UPDATE stored_events SET rowid = 99 WHERE rowid = 4",
        "UPDATE stored_events SET rowid = 4 WHERE rowid = 16",
        "UPDATE stored_events SET rowid = 16 WHERE rowid = 99",
    )
    assert found[0].position == 2
    assert "revision 2 of its key" in found[1].what


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_missing_trigger_is_found(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"DROP TRIGGER {name}")
    (problem,) = verified(path).problems
    assert (problem.position, name in problem.what) == (0, True)


def test_a_trigger_that_was_made_harmless_and_one_of_another_program_are_found(path: Path) -> None:
    name = next(iter(TRIGGERS))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"DROP TRIGGER {name}")
        for made_name in (name, "other"):
            connection.execute(
                f"CREATE TRIGGER {made_name} BEFORE UPDATE ON stored_events BEGIN SELECT 1; END"
            )
    assert [problem.what for problem in verified(path).problems] == [
        "the trigger other is not of this program",
        f"the trigger {name}, which refuses changes, is missing or altered",
    ]


def test_many_problems_are_counted_and_not_all_listed(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"
    with SQLiteLog.open(path, create=True) as log:
        log.append(made_page(500))
    found = problems_after(path, "UPDATE stored_events SET state = 'no envelope'")
    assert len(found) == PROBLEMS_MAX + 1
    assert found[-1].what == "and 401 more problems"


def test_a_missing_table_is_a_problem_and_no_traceback(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE seals")
    assert any("no such table: seals" in problem.what for problem in verified(path).problems)


# --- a damaged file ------------------------------------------------------------------------------


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.sqlite"
    with SQLiteLog.open(path, create=True) as log:
        for number in range(20):
            log.append(made_page(100, start=100 * number))
    return path


@pytest.mark.parametrize("page", [30, 60, 100, -1])
def test_a_page_of_zeros_is_a_problem_and_no_traceback(large: Path, page: int) -> None:
    content = bytearray(large.read_bytes())
    pages = len(content) // 4096
    at = (page % pages) * 4096
    content[at : at + 4096] = bytes(4096)
    large.write_bytes(content)
    assert verified(large).problems


@pytest.mark.parametrize("bytes_left", [5_000, 40_000, 200_000])
def test_a_file_that_was_cut_off_cannot_be_opened(large: Path, bytes_left: int) -> None:
    assert large.stat().st_size > bytes_left
    large.write_bytes(large.read_bytes()[:bytes_left])
    with pytest.raises(LogCorruptError, match="restore the log from a backup"):
        SQLiteLog.open(large)


def test_a_log_that_cannot_be_read_now_is_not_called_damaged(path: Path) -> None:
    with SQLiteLog.open(path, lock_timeout=0) as log:
        log.close()
        with pytest.raises(CannotDoError, match="was closed before"):
            verify(log)


def test_an_event_that_no_append_would_take_is_found_even_under_a_good_seal(
    path: Path,
) -> None:
    event = NewEvent("no|such|key", "kalshi.fill", made("a").state)
    with SQLiteLog.open(path) as log:
        with log.recorder.datastore.transaction(commit=True) as cursor:
            row = (event.key, 1, event.kind, event.state)
            log.recorder.insert_rows(cursor.sqlite_cursor, [row])
        (problem,) = verify(log).problems
    assert problem.position == HEAD + 1
    assert "its key 'no|such|key' is not kalshi|main|live|kalshi.fill|…" in problem.what
