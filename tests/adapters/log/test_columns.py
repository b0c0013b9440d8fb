"""What SQLite joins comes apart again as it was, or is fetched row by row."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from adapters.log import columns
from adapters.log.recorder import tuples
from adapters.log.sqlite import BATCH_ROWS, SQLiteLog

Row = tuple[str, int, str, bytes]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SQLiteLog]:
    """Give an empty log."""
    with SQLiteLog.open(tmp_path / "log.sqlite", create=True) as made:
        yield made


def store(log: SQLiteLog, rows: Sequence[Row]) -> list[dict[str, object]]:
    """Store rows as they are; return them as a batch shows them."""
    with log.recorder.datastore.transaction(commit=True) as writing:
        log.recorder.insert_rows(writing.sqlite_cursor, rows)
    names = ("key", "revision", "kind", "state")
    return [
        {"position": position} | dict(zip(names, row, strict=True))
        for position, row in enumerate(rows, 1)
    ]


def joined(log: SQLiteLog, until: int, largest: int = 100) -> list[dict[str, object]] | None:
    """Return the events up to a position as they come apart, None where they do not."""
    with tuples(log.recorder.datastore) as cursor:
        batch = columns.fetch(cursor, 0, until, largest)
    return None if batch is None else batch.to_pylist()


@pytest.mark.parametrize(
    "state",
    [b"{}", b"", b"\x00", b"a\x00b\n", b"\xff\xfe", "€\n".encode(), b"x" * 100],
    ids=["text", "empty", "NUL", "NUL inside", "no UTF-8", "not ASCII", "as large as may be"],
)
def test_any_bytes_come_apart(log: SQLiteLog, state: bytes) -> None:
    rows = [("a", 1, "k", b"before"), ("b", 2, "k.other", state), ("ü€", 3, "k", b"behind")]
    assert joined(log, len(store(log, rows))) == log.batches(0, 3).read_all().to_pylist()
    assert log.batches(0, 3).read_all().column("state").to_pylist() == [row[3] for row in rows]


@pytest.mark.parametrize(
    "odd",
    [("a\nb", 1, "k", b""), ("a", 1, "k\nl", b""), ("a", 1, "k", b"x" * 101)],
    ids=["a break in a key", "a break in a kind", "too large"],
)
def test_what_does_not_come_apart_is_fetched_row_by_row(log: SQLiteLog, odd: Row) -> None:
    stored = store(log, [("z", 1, "k", b"before"), odd])
    assert joined(log, 2) is None
    assert log.batches(0, 2).read_all().to_pylist() == stored


def test_every_event_is_empty(log: SQLiteLog) -> None:
    stored = store(log, [("", 1, "", b""), ("", 2, "", b"")])
    assert joined(log, 2) == stored


def test_nothing_comes_of_an_empty_range(log: SQLiteLog) -> None:
    assert joined(log, 5) is None


def test_batches_join_without_a_seam(log: SQLiteLog) -> None:
    rows = [(f"key-{n}", 1, f"k{n % 3}", b"%d" % n * (n % 5)) for n in range(BATCH_ROWS + 10)]
    stored = store(log, rows)
    table = log.batches(3, len(rows)).read_all()
    assert [chunk.num_rows for chunk in table.to_batches()] == [BATCH_ROWS, 7]
    assert table.to_pylist() == stored[3:]
