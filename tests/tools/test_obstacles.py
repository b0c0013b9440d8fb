"""Projection files that are held, or whose place something else has taken."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb
import pytest

from tests.tools.command import BOUGHT, bytes_of, fills_page, run, small_book, written

WRITER: Final = """
import sys, duckdb
with duckdb.connect(sys.argv[1]) as connection:
    print("open", flush=True)
    sys.stdin.read()
"""
RULES: Final = '[strategies.bots]\nprefixes = ["bot-"]\n'


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return small_book(tmp_path)


@pytest.fixture
def held(book: Path) -> Iterator[Path]:
    """A book whose current projection another process has open for writing."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, book / "ledger.duckdb"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    yield book
    process.communicate(timeout=60)


def test_while_somebody_writes_the_projection_changed_rules_are_not_taken_up(held: Path) -> None:
    (held / "attribution.toml").write_text(RULES)
    before = bytes_of(held)
    done = run(held, "project", "--json").json
    assert (done["exit_code"], done["error"]) == (3, "CannotDoError")
    assert "ledger.duckdb is in use by " in done["verdict"]
    assert bytes_of(held) == before
    page = written(held.parent / "new", page=fills_page([BOUGHT], "3a").replace("fill-1", "fill-9"))
    taken = run(held, "ingest", page, "--json").json
    assert (taken["exit_code"], taken["new"]) == (3, 1)
    assert (held / "ledger.duckdb").read_bytes() == before["ledger.duckdb"]
    assert "is in use by " in run(held, "status", "--json").json["stale_because"]


def test_while_somebody_writes_the_projection_a_rebuild_is_a_candidate(held: Path) -> None:
    (held / "attribution.toml").write_text(RULES)
    current = (held / "ledger.duckdb").read_bytes()
    done = run(held, "rebuild", "--accept-below", "1000", "--json").json
    assert (done["exit_code"], done["current"]) == (1, False)
    assert "is in use by " in done["not_compared_because"]
    assert run(held, "switch").code == 3
    assert (held / "ledger.duckdb").read_bytes() == current


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ledger.duckdb", ["project"]),
        ("ledger.duckdb", ["switch"]),
        ("candidate.duckdb", ["rebuild"]),
        ("candidate.new", ["rebuild"]),
        ("previous.duckdb", ["switch"]),
        ("ledger.duckdb.wal", ["switch"]),
    ],
)
def test_a_folder_in_the_place_of_a_projection_is_told_and_nothing_is_half_done(
    book: Path, name: str, words: list[str]
) -> None:
    assert run(book, "rebuild").code == 0
    (book / name).unlink(missing_ok=True)
    (book / name).mkdir()
    before = bytes_of(book)
    done = run(book, *words)
    assert (done.code, str(book / name) in done.err) == (3, True)
    assert bytes_of(book) == before


def test_a_link_in_the_place_of_the_projection_is_refused_and_stays(book: Path) -> None:
    elsewhere = book.parent / "elsewhere.duckdb"
    shutil.move(book / "ledger.duckdb", elsewhere)
    (book / "ledger.duckdb").symlink_to(elsewhere)
    assert run(book, "rebuild").code == 0
    done = run(book, "switch")
    assert (done.code, "ledger.duckdb is a link" in done.err) == (3, True)
    assert (book / "ledger.duckdb").is_symlink()


def test_a_database_of_another_kind_is_no_projection(book: Path) -> None:
    path = book.parent / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    done = run(book, "query", "SELECT 1", "--on", path)
    assert (done.code, "it is no projection" in done.err) == (3, True)


def test_where_the_current_one_is_missing_the_verdict_says_whose_rules_these_are(
    book: Path,
) -> None:
    (book / "attribution.toml").write_text(RULES)
    assert run(book, "rebuild").code == run(book, "switch").code == 0
    (book / "ledger.duckdb").unlink()
    assert "by the rules of now, which previous.duckdb is not of" in run(book, "project").verdict


def test_events_are_no_cure_for_a_candidate(book: Path) -> None:
    assert run(book, "rebuild").code == 0
    page = written(book.parent / "new", page=fills_page([BOUGHT], "3a").replace("fill-1", "fill-9"))
    assert run(book, "ingest", page).code == 0
    told = run(book, "query", "SELECT 1 AS one", "--on", "candidate").verdict
    assert told.endswith("; run `brokertruth rebuild`)")


def test_a_place_for_the_past_that_cannot_be_used_is_told(book: Path) -> None:
    (book / "as-of").write_text("")
    done = run(book, "rebuild", "--as-of-position", "4")
    assert (done.code, "as-of is no folder" in done.err) == (3, True)
    assert run(book, "rebuild", "--as-of-position", "4", "--into", "").code == 2


def test_a_projection_of_another_log_explains_nothing_and_is_named_first(book: Path) -> None:
    path = book.parent / "other.duckdb"
    shutil.copy(book / "ledger.duckdb", path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE projection_meta SET seal_digest = 'other', code_digest = 'old'")
    done = run(book, "explain", "fill-1", "--on", path)
    assert (done.code, "it was made from another log" in done.err) == (2, True)
    told = run(book, "query", "SELECT 1 AS one", "--on", path).verdict
    assert "(stale: it was made from another log" in told
