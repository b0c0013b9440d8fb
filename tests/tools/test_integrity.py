"""`verify`: the log against its seals, the seals against anchors, the projection against both."""

import json
import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.command import (
    BOUGHT,
    bytes_of,
    fills_page,
    finish,
    run,
    small_book,
    start,
    written,
)


def more(book: Path, fill_id: str) -> None:
    """Take one more fill in."""
    page = fills_page([replace(BOUGHT, fill_id=fill_id)])
    assert run(book, "ingest", written(book.parent / fill_id, page=page)).code == 0


def test_a_log_that_nobody_touched_verifies(tmp_path: Path) -> None:
    told = run(small_book(tmp_path), "verify", "--json")
    assert (told.code, told.json["events"], told.json["seals"]) == (0, 5, 2)
    assert (told.json["problems"], told.json["anchor"]) == ([], None)
    assert len(bytes.fromhex(told.json["head_digest"])) == 32


@pytest.mark.parametrize("what", [b'"count_fp":"10.00"', b"kalshi|main|live|kalshi.fill|"])
def test_one_flipped_bit_of_an_event_exits_3(tmp_path: Path, what: bytes) -> None:
    book = small_book(tmp_path)
    path = book / "log.sqlite"
    content = bytearray(path.read_bytes())
    content[content.index(what) + len(what) - 3] ^= 1
    path.write_bytes(content)
    told = finish(start("--book", "book", "verify", "--json", folder=tmp_path))
    assert (told.code, told.json["exit_code"]) == (3, 3)
    assert told.json["problems"]
    seen = run(book, "verify")
    assert seen.code == 3
    assert "problem" in seen.verdict
    assert run(book, "verify", "--anchor", tmp_path / "anchors", "--new-anchor").code == 3
    assert not (tmp_path / "anchors").exists()


@pytest.mark.parametrize("seed", range(8))
def test_a_byte_flipped_anywhere_in_the_file_never_verifies_as_something_else(
    tmp_path: Path, seed: int
) -> None:
    book = small_book(tmp_path)
    head = run(book, "verify", "--json").json["head_digest"]
    path = book / "log.sqlite"
    content = bytearray(path.read_bytes())
    place = random.Random(seed).randrange(len(content))
    content[place] ^= 0xFF
    path.write_bytes(content)
    told = run(book, "verify", "--json")
    # A byte that belongs to no event (free space, a counter of SQLite's) may change unnoticed.
    assert told.code in (0, 3), place
    assert told.code == 3 or (told.json["events"], told.json["head_digest"]) == (5, head), place


def test_a_changed_row_behind_removed_triggers_is_found(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    with closing(sqlite3.connect(book / "log.sqlite")) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM stored_events WHERE rowid = 2")
        connection.execute("DROP TRIGGER stored_events_refuse_delete")
        connection.execute("DELETE FROM stored_events WHERE rowid = 2")
        connection.commit()
    told = run(book, "verify", "--json")
    assert told.code == 3
    whats = [problem["what"] for problem in told.json["problems"]]
    assert any("trigger" in what for what in whats)
    assert any("missing" in what or "not what was appended" in what for what in whats)


def test_an_anchor_is_noted_and_then_checked(tmp_path: Path) -> None:
    book, anchors = small_book(tmp_path), tmp_path / "anchors"
    told = run(book, "verify", "--anchor", anchors, "--new-anchor", "--json")
    noted = told.json["anchor"]
    assert (told.code, noted["position"], noted["digest"]) == (0, 5, told.json["head_digest"])
    more(book, "fill-3")
    assert run(book, "verify", "--anchor", anchors, "--json").json["anchor"]["position"] == 7
    lines = [json.loads(line) for line in anchors.read_text().splitlines()]
    assert [line["position"] for line in lines] == [5, 7]


def test_a_dry_run_checks_an_anchor_and_notes_nothing(tmp_path: Path) -> None:
    book, anchors = small_book(tmp_path), tmp_path / "anchors"
    run(book, "verify", "--anchor", anchors, "--new-anchor")
    more(book, "fill-3")
    before = bytes_of(tmp_path)
    told = run(book, "verify", "--anchor", anchors, "--dry-run", "--json")
    assert (told.code, told.json["anchor"]) == (0, None)
    assert bytes_of(tmp_path) == before


def test_a_log_that_was_put_back_to_an_older_copy_disagrees_with_its_anchor(
    tmp_path: Path,
) -> None:
    book, anchors = small_book(tmp_path), tmp_path / "anchors"
    older = shutil.copytree(book, tmp_path / "older")
    more(book, "fill-3")
    run(book, "verify", "--anchor", anchors, "--new-anchor")
    assert run(older, "verify").code == 0
    told = run(older, "verify", "--anchor", anchors, "--json")
    assert told.code == 3
    assert "cut back" in told.json["problems"][0]["what"]


def test_a_missing_anchor_file_is_wrong_usage_and_is_made_only_when_asked_for(
    tmp_path: Path,
) -> None:
    book, anchors = small_book(tmp_path), tmp_path / "anchors"
    done = run(book, "verify", "--anchor", anchors)
    assert (done.code, done.out, anchors.exists()) == (2, "", False)
    assert "--new-anchor" in done.err
    assert run(book, "verify", "--new-anchor").code == 2
    tried = run(book, "verify", "--anchor", anchors, "--new-anchor", "--dry-run")
    assert (tried.code, anchors.exists()) == (0, False)
    assert run(book, "verify", "--anchor", anchors, "--new-anchor").code == 0
    before = anchors.read_bytes()
    again = run(book, "verify", "--anchor", anchors, "--new-anchor")
    assert (again.code, anchors.read_bytes()) == (2, before)


def test_a_head_that_is_the_last_anchor_is_not_noted_again(tmp_path: Path) -> None:
    book, anchors = small_book(tmp_path), tmp_path / "anchors"
    first = run(book, "verify", "--anchor", anchors, "--new-anchor", "--json").json
    before = anchors.read_bytes()
    second = run(book, "verify", "--anchor", anchors, "--json")
    assert (second.code, second.json["anchor"]) == (0, first["anchor"])
    assert second.json["verdict"].endswith(f", already noted in {anchors}")
    assert anchors.read_bytes() == before


def test_an_empty_log_has_nothing_to_note(tmp_path: Path) -> None:
    run(tmp_path / "book", "init")
    anchors = tmp_path / "anchors"
    done = run(tmp_path / "book", "verify", "--anchor", anchors, "--new-anchor", "--json")
    assert (done.code, done.json["anchor"], anchors.exists()) == (0, None, False)
    assert "nothing to note" in done.json["verdict"]


def test_a_damaged_projection_is_a_problem_beside_the_verdict_on_the_log(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    (book / "ledger.duckdb").write_bytes(b"not a database" * 1000)
    done = run(book, "verify", "--json")
    assert (done.code, done.json["events"], len(done.json["problems"])) == (3, 5, 1)
    assert "the projection cannot be read" in done.json["problems"][0]["what"]
    assert "the log itself: 5 events under 2 seals verified, head " in done.json["verdict"]
    assert run(book, "project").code == 0
    assert run(book, "verify").code == 0


def test_a_projection_of_another_log_is_found(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    other = tmp_path / "other"
    run(other, "init")
    run(other, "ingest", tmp_path / "pages", "--account", "other")
    shutil.copy(other / "ledger.duckdb", book / "ledger.duckdb")
    told = run(book, "verify", "--json")
    assert told.code == 3
    assert "another log" in told.json["problems"][0]["what"]
    assert "and `brokertruth switch`" in told.json["problems"][0]["what"]
    assert run(book, "rebuild").code == run(book, "switch").code == 0
    assert run(book, "verify").code == 0


def test_a_file_that_holds_no_anchors_is_refused_and_left_alone(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    (tmp_path / "notes").write_text("not an anchor\n")
    told = run(book, "verify", "--anchor", tmp_path / "notes", "--json")
    assert (told.code, told.json["error"]) == (3, "CannotDoError")
    assert (tmp_path / "notes").read_text() == "not an anchor\n"


def test_a_log_that_is_gone_exits_3(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    (book / "log.sqlite").unlink()
    for verb in ("verify", "status", "project"):
        done = run(book, verb)
        assert (done.code, done.out) == (3, ""), verb
    assert not (book / "log.sqlite").exists()
