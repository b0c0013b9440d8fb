"""`spool`: what bots recorded comes into the log once, and nothing of it is lost."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.log.sqlite import SQLiteLog
from adapters.spool import files
from adapters.spool.files import Held
from domain.errors import CannotDoError
from domain.event import StoredEvent
from tests.tools.command import bytes_of, run
from tools import book as books
from tools import spool
from tools.outcome import Outcome
from tools.recorder import Recorder

AT = "2026-05-11T14:30:00Z"
TORN = b'{"v":1,"kind":"mark'


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """An empty book."""
    run(tmp_path / "book", "init")
    return tmp_path / "book"


def quote(name: str) -> dict[str, object]:
    return {"instrument": name, "quoted_at": AT, "bid": "0.45"}


def recorded(book: Path, *names: str) -> None:
    with Recorder(book / "spool", fsync=False) as bot:
        assert all(bot.record("market.quote", quote(name)) for name in names)


def put(book: Path, name: str, content: bytes) -> Path:
    path = book / "spool" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def line(name: str, bid: str = "0.45") -> bytes:
    told = {"v": 1, "kind": "market.quote", "venue": "kalshi", "recorded_at": AT}
    return json.dumps({**told, "payload": quote(name) | {"bid": bid}}).encode() + b"\n"


def counts(told: dict[str, Any]) -> tuple[int, int, int, int]:
    return told["new"], told["revisions"], told["duplicates"], told["rejected"]


def events(book: Path) -> list[StoredEvent]:
    with SQLiteLog.open(book / "log.sqlite") as log:
        found = (log.event(position) for position in range(1, log.head() + 1))
        return [event for event in found if event is not None]


def instruments(book: Path) -> list[str]:
    sql = "SELECT instrument_id FROM quote ORDER BY ALL"
    return [row["instrument_id"] for row in run(book, "query", sql, "--json").json["rows"]]


def test_what_was_recorded_is_in_the_book_and_its_file_is_put_away(book: Path) -> None:
    recorded(book, "A", "B")
    ran = run(book, "spool")
    assert ran.code == 0, ran.out
    assert "2 new events, 0 revisions, 0 duplicates from 1 spool file; 2 facts" in ran.verdict
    assert instruments(book) == ["A", "B"]
    assert [path.name for path in (book / "spool").iterdir()] == ["taken"]


def test_an_empty_or_missing_spool_is_no_finding(book: Path) -> None:
    ran = run(book, "spool", "--no-project")
    assert (ran.code, ran.verdict) == (0, "nothing in the spool")


def test_the_same_file_again_changes_nothing(book: Path) -> None:
    recorded(book, "A", "B")
    run(book, "spool")
    (taken,) = (book / "spool" / "taken").iterdir()
    shutil.copy(taken, book / "spool")
    before = (book / "log.sqlite").read_bytes()
    again = run(book, "spool", "--json").json
    assert counts(again) == (0, 0, 2, 0)
    assert (book / "log.sqlite").read_bytes() == before
    assert len(list((book / "spool" / "taken").iterdir())) == 2, "and nothing is overwritten"


def test_a_dry_run_writes_nothing_and_says_so(book: Path) -> None:
    recorded(book, "A")
    put(book, "z.jsonl", line("A") + line("B") + TORN)
    before = bytes_of(book)
    ran = run(book, "spool", "--dry-run", "--json")
    assert counts(ran.json) == (3, 0, 1, 1)
    assert "dry run: nothing was written" in ran.json["verdict"]
    assert bytes_of(book) == before
    assert counts(run(book, "spool", "--json").json) == (3, 0, 1, 1)


def test_a_growing_file_is_taken_as_far_as_it_is_whole(book: Path) -> None:
    path = put(book, "a.jsonl", line("A") + TORN)
    with path.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        told = run(book, "spool", "--json").json
        assert counts(told) == (1, 0, 0, 0)
        assert told["files"][0]["state"] == "growing"
        assert path.exists()
        assert counts(run(book, "spool", "--json").json) == (0, 0, 1, 0)
        path.write_bytes(line("A") + line("B"))
        assert counts(run(book, "spool", "--json").json) == (1, 0, 1, 0)
    assert counts(run(book, "spool", "--json").json) == (0, 0, 2, 0)
    assert [one.name for one in (book / "spool" / "taken").iterdir()] == ["a.jsonl"]
    assert instruments(book) == ["A", "B"]


def test_a_log_out_of_a_backup_gets_a_growing_file_from_its_beginning(book: Path) -> None:
    path = put(book, "a.jsonl", line("A", "0.1"))
    with path.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        run(book, "spool", "--no-project")
        shutil.copy(book / "log.sqlite", book / "backup")
        put(book, "a.jsonl", line("A", "0.1") + line("B") + line("A", "0.2"))
        run(book, "spool", "--no-project")
        for left in book.glob("log.sqlite*"):
            left.unlink()
        (book / "backup").rename(book / "log.sqlite")
        assert counts(run(book, "spool", "--no-project", "--json").json) == (1, 1, 1, 0)


def test_a_file_that_is_written_anew_under_its_name_loses_nothing(book: Path) -> None:
    for written in (b"AB", b"CDE", b"F"):
        path = put(book, "mine.jsonl", b"".join(line(chr(name)) for name in written))
        with path.open("ab") as writer:
            fcntl.flock(writer, fcntl.LOCK_EX)
            run(book, "spool", "--no-project")
    run(book, "spool")
    assert instruments(book) == list("ABCDEF")


def test_two_intakes_at_once_lose_nothing_and_count_nothing_twice(book: Path) -> None:
    names = [f"M{number:04}" for number in range(2000)]
    for start in range(0, 2000, 500):
        put(book, f"{start:04}.jsonl", b"".join(map(line, names[start : start + 500])))
    command = [
        sys.executable,
        "-c",
        "from tools.cli import main; main()",
        "--book",
        str(book),
        "spool",
        "--no-project",
    ]
    intakes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [intake.wait(60) for intake in intakes] == [0, 0]
    assert len(events(book)) == 2000
    run(book, "spool")
    assert instruments(book) == names
    assert len(events(book)) == 2000


def test_a_torn_tail_is_kept_and_told_once(book: Path) -> None:
    put(book, "a.jsonl", line("A") + TORN)
    ran = run(book, "spool")
    assert ran.code == 1
    assert "REJECTED a.jsonl:2: torn" in ran.out
    assert "1 line of the spool REJECTED" in ran.verdict
    sql = "SELECT file, line, text FROM rejected_line"
    (row,) = run(book, "query", sql, "--json").json["rows"]
    assert row == {"file": "a.jsonl", "line": 2, "text": TORN.decode()}
    assert (book / "spool" / "taken" / "a.jsonl").read_bytes().endswith(TORN)
    assert run(book, "spool").code == 0


def test_rejected_lines_are_in_the_log_and_the_others_too(book: Path) -> None:
    bad = [b"hello\n", b"\xff\xfe\n", b"a\0b\n", b'{"v":1,"v":1}\n', b"x" * 2_000_000 + b"\n"]
    put(book, "a.jsonl", b"\n  \n".join([line("A"), *bad, line("B")]))
    ran = run(book, "spool", "--json")
    assert ran.code == 1
    assert counts(ran.json) == (7, 0, 0, 5)
    assert instruments(book) == ["A", "B"]
    rows = run(book, "query", "SELECT line FROM rejected_line ORDER BY line", "--json").json["rows"]
    assert [row["line"] for row in rows] == [4, 7, 10, 13, 16]
    assert run(book, "status", "--json").json["unreadable"] == 0


def test_s1_1_a_row_without_its_strategy_does_not_become_a_posted_order(book: Path) -> None:
    told = {"v": 1, "kind": "bot.order_posted", "venue": "kalshi", "recorded_at": AT}
    payload = {"order_id": "o-1", "instrument": "KXMADE", "posted_at": AT}
    put(book, "a.jsonl", json.dumps({**told, "payload": payload}).encode() + b"\n")
    ran = run(book, "spool", "--json").json
    assert ran["rejected_lines"] == [
        {"file": "a.jsonl", "line": 1, "reason": "strategy: Field required"}
    ]
    (count,) = run(book, "query", "SELECT count(*) AS n FROM posted_order", "--json").json["rows"]
    assert count == {"n": 0}


def test_what_is_not_ours_is_named_and_left(book: Path) -> None:
    put(book, "notes.tmp", b"hello")
    (book / "spool" / "link.jsonl").symlink_to(book / "book.toml")
    os.mkfifo(book / "spool" / "pipe.jsonl")
    recorded(book, "A")
    before = sorted(path.name for path in (book / "spool").iterdir() if path.name[0] != "2")
    ran = run(book, "spool", "--json")
    assert ran.code == 1
    assert set(ran.json["left"]) == {"notes.tmp", "link.jsonl", "pipe.jsonl"}
    assert ran.json["new"] == 1
    left = sorted(path.name for path in (book / "spool").iterdir())
    assert left == sorted([*before, "taken"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_taken(book: Path) -> None:
    put(book, "a.jsonl", line("A")).chmod(0)
    recorded(book, "B")
    ran = run(book, "spool", "--json")
    assert ran.code == 3
    assert "Permission denied" in ran.json["errors"][0]
    assert instruments(book) == ["B"]


def test_a_crash_between_append_and_move_counts_nothing_twice(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(held: Held) -> Path:
        raise KeyboardInterrupt

    recorded(book, "A", "B")
    monkeypatch.setattr(files, "put_away", crash)
    with pytest.raises(KeyboardInterrupt):
        spool.spool(books.load(book), dry_run=False, and_project=False)
    monkeypatch.undo()
    assert len(events(book)) == 2
    assert counts(run(book, "spool", "--json").json) == (0, 0, 2, 0)
    assert len(events(book)) == 2


def test_a_crash_between_batches_goes_on_where_it_stopped(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(book, *(f"M{number}" for number in range(10)))
    monkeypatch.setattr(spool, "BATCH_LINES", 3)
    append = SQLiteLog.append
    appended: list[object] = []

    def failing(log: SQLiteLog, batch: Any, *, dry_run: bool = False) -> Any:  # noqa: ANN401
        if len(appended) == 2:
            raise CannotDoError("the disk is full")
        appended.append(batch)
        return append(log, batch, dry_run=dry_run)

    monkeypatch.setattr(SQLiteLog, "append", failing)
    assert run(book, "spool", "--no-project").code == 3
    monkeypatch.setattr(SQLiteLog, "append", append)
    assert len(events(book)) == 6
    assert counts(run(book, "spool", "--no-project", "--json").json) == (4, 0, 6, 0)


def test_the_same_key_told_anew_is_a_revision_and_read_again_nothing(book: Path) -> None:
    with Recorder(book / "spool") as bot:
        for bid in ("0.45", "0.46", "0.45"):
            assert bot.record("market.quote", quote("A") | {"bid": bid})
        assert counts(run(book, "spool", "--json").json) == (1, 2, 0, 0)
        assert counts(run(book, "spool", "--json").json) == (0, 0, 3, 0)


def test_what_an_intake_in_between_has_seen_does_not_swallow_what_is_said_again(
    book: Path,
) -> None:
    told = []
    with Recorder(book / "spool") as bot:
        for bid in ("0.45", "0.46", "0.45"):
            assert bot.record("market.quote", quote("A") | {"bid": bid})
            told.append(counts(run(book, "spool", "--no-project", "--json").json))
    assert told == [(1, 0, 0, 0), (0, 1, 1, 0), (0, 1, 2, 0)]


def test_two_bots_that_correct_each_other_both_count(book: Path) -> None:
    with Recorder(book / "spool") as one, Recorder(book / "spool") as other:
        for bot, bid in ((one, "0.45"), (one, "0.45"), (other, "0.46"), (one, "0.45")):
            assert bot.record("market.quote", quote("A") | {"bid": bid})
            run(book, "spool", "--no-project")
    run(book, "spool")
    assert [event.revision for event in events(book)] == [1, 2, 3]


def test_before_a_fetch_the_spool_is_taken_in_and_told(book: Path) -> None:
    recorded(book, "A")
    loaded = books.load(book)
    with loaded.open_log() as log:
        taken = spool.take_in(loaded, log)
        nothing = spool.take_in(loaded, log)
    done = Outcome("fetched", {"new": 5})
    told = spool.told_with(taken, done)
    assert told.verdict.startswith("1 new event, ")
    assert told.verdict.endswith(" from 1 spool file; fetched")
    assert (told.data["new"], told.data["spool"]["new"]) == (5, 1)
    assert spool.told_with(nothing, done) is done


def test_counts_of_what_was_taken_in_survive_what_fails_afterwards(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(book, "a.jsonl", line("A") + b"hello\n")
    put(book, "b.jsonl", line("B"))
    append = SQLiteLog.append

    def failing(log: SQLiteLog, batch: Any, *, dry_run: bool = False) -> Any:  # noqa: ANN401
        if any("B" in event.key for event in batch):
            raise CannotDoError("the disk is full")
        return append(log, batch, dry_run=dry_run)

    monkeypatch.setattr(SQLiteLog, "append", failing)
    loaded = books.load(book)
    with loaded.open_log() as log:
        taken = spool.take_in(loaded, log)
    assert (taken.counts["new"], taken.rejected, taken.wrong) == (2, 1, ["the disk is full"])
    with pytest.raises(CannotDoError), spool.told_anyway(taken):
        raise CannotDoError("no network")
    told = capsys.readouterr().err
    assert "REJECTED a.jsonl:2" in told
    assert "2 new events" in told
    ran = run(book, "spool")
    assert ran.code == 3
    assert "from 1 spool file" in ran.err


def test_names_that_would_move_the_cursor_are_told_in_one_line(book: Path) -> None:
    put(book, "a\x1b[31m\nb.jsonl", b"")
    ran = run(book, "spool")
    assert "left a\\x1b[31m\\nb.jsonl: not named" in ran.out


def test_a_spool_that_fails_is_told_and_stops_nothing(book: Path) -> None:
    (book / "spool").touch()
    loaded = books.load(book)
    with loaded.open_log() as log:
        taken = spool.take_in(loaded, log)
    told = spool.told_with(taken, Outcome("fetched"))
    assert "cannot be read: Not a directory; fetched" in told.verdict
    assert told.exit_code == 3
    assert run(book, "spool").code == 3
