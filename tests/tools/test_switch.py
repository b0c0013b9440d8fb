"""`switch` and `switch --back`: one rename decides, and nothing is ever lost."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

import duckdb
import pytest

from tests.tools.command import BOUGHT, Ran, bytes_of, fills_page, run, small_book, written
from tools import book as books

RULES: Final = '[strategies.bots]\nprefixes = ["bot-"]\n'
STRATEGIES: Final = "SELECT DISTINCT strategy FROM daily_pnl"
READER: Final = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for line in sys.stdin:
        print(connection.execute(line).fetchone()[0], flush=True)
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book with a candidate of other rules: `unattributed` is current, `bots` the candidate."""
    book = small_book(tmp_path)
    (book / "attribution.toml").write_text(RULES)
    assert run(book, "rebuild").code == 0
    return book


def strategy(book: Path, on: str = "current") -> str:
    (row,) = run(book, "query", STRATEGIES, "--on", on, "--json").json["rows"]
    return str(row["strategy"])


def another_fill(folder: Path, name: str = "fill-3") -> Path:
    return written(folder / name, page=fills_page([replace(BOUGHT, fill_id=name)]))


def refused(book: Path, *words: str) -> Ran:
    """Run a verb that must be refused without changing a byte."""
    before = bytes_of(book)
    done = run(book, *words)
    assert (done.code != 0, done.out, bytes_of(book) == before) == (True, "", True)
    return done


# --- there and back ------------------------------------------------------------------------------


def test_the_candidate_becomes_current_and_the_current_one_previous(book: Path) -> None:
    current, candidate = (book / "ledger.duckdb"), (book / "candidate.duckdb")
    before, after = current.read_bytes(), candidate.read_bytes()
    done = run(book, "switch", "--json").json
    assert (done["switched"], done["back"], done["watermark"]) == (True, False, 5)
    assert (current.read_bytes(), (book / "previous.duckdb").read_bytes()) == (after, before)
    assert not candidate.exists()
    assert run(book, "status").code == 0


def test_back_and_forth_as_often_as_one_likes(book: Path) -> None:
    assert run(book, "switch").code == 0
    for here, there in (("unattributed", "bots"), ("bots", "unattributed")) * 2:
        assert run(book, "switch", "--back").code == 0
        assert (strategy(book), strategy(book, "previous")) == (here, there)
    assert not (book / "candidate.duckdb").exists()


def test_going_back_leaves_a_newer_candidate_alone(book: Path) -> None:
    run(book, "switch")
    assert run(book, "rebuild").code == 0
    candidate = (book / "candidate.duckdb").read_bytes()
    assert run(book, "switch", "--back").code == 0
    assert (book / "candidate.duckdb").read_bytes() == candidate


def test_after_going_back_project_refuses_until_the_rules_are_those_again(book: Path) -> None:
    run(book, "switch")
    run(book, "switch", "--back")
    assert "attribution.toml has changed: run `brokertruth rebuild`" in run(book, "project").err
    small = small_book(book.parent / "other")
    shutil.copy(small / "attribution.toml", book)
    assert run(book, "project").code == 0


def test_a_dry_run_says_what_switching_would_do(book: Path) -> None:
    before = bytes_of(book)
    done = run(book, "switch", "--dry-run", "--json")
    assert (done.code, done.json["switched"], done.json["dry_run"]) == (0, False, True)
    assert bytes_of(book) == before


# --- refusals ------------------------------------------------------------------------------------


def test_without_a_candidate_switching_is_wrong_usage(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    done = refused(book, "switch")
    wanted = "there is no projection 'candidate': run `brokertruth rebuild`"
    assert (done.code, wanted in done.err) == (2, True)
    done = refused(book, "switch", "--back")
    assert (done.code, "'previous': nothing was switched yet" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("seal_digest = 'other'", "it was made from another log, or from one that was longer"),
        ("watermark = 6", "it was made from another log, or from one that was longer"),
        ("code_digest = 'other'", "it was made by other code than this"),
        ("libraries = 'other'", "it was made by other code than this"),
        ("rules_digest = 'other'", "attribution.toml has changed since"),
        ("as_of = 'position 5'", "it is of the past (position 5) and never current"),
    ],
)
def test_what_must_not_be_current_is_refused_with_the_reason(
    book: Path, change: str, why: str
) -> None:
    with duckdb.connect(str(book / "candidate.duckdb")) as connection:
        connection.execute(f"UPDATE projection_meta SET {change}")
    done = refused(book, "switch")
    assert (done.code, f"candidate.duckdb: not switched to: {why}" in done.err) == (3, True)
    assert refused(book, "switch", "--dry-run").err == done.err
    assert strategy(book) == "unattributed"


def test_a_candidate_older_than_the_current_projection_is_refused(book: Path) -> None:
    (book / "attribution.toml").unlink()
    shutil.copy(small_book(book.parent / "other") / "attribution.toml", book)
    run(book, "rebuild")
    assert run(book, "ingest", another_fill(book.parent)).code == 0
    done = refused(book, "switch")
    assert "it covers 5 events, the current one 7; run `brokertruth rebuild` again" in done.err
    assert run(book, "rebuild").code == run(book, "switch").code == 0


def test_where_the_current_projection_is_of_another_log_an_older_candidate_is_not_refused(
    book: Path,
) -> None:
    with duckdb.connect(str(book / "ledger.duckdb")) as connection:
        connection.execute("UPDATE projection_meta SET watermark = 100")
    assert run(book, "switch").code == 0
    assert run(book, "verify").code == 0


@pytest.mark.parametrize("words", [["switch"], ["query", "SELECT 1", "--on", "candidate"]])
def test_an_unfinished_or_broken_candidate_is_neither_switched_to_nor_asked(
    book: Path, words: list[str]
) -> None:
    candidate = book / "candidate.duckdb"
    with duckdb.connect(str(candidate)) as connection:
        connection.execute("DELETE FROM projection_meta")
    done = refused(book, *words)
    assert (done.code, "was never finished: run `brokertruth rebuild`" in done.err) == (3, True)
    candidate.write_bytes(b"not a database" * 1000)
    assert refused(book, *words).code == 3


def test_while_another_projects_switching_is_refused(book: Path) -> None:
    with books.load(book).projecting():
        done = refused(book, "switch")
    assert (done.code, "another brokertruth is projecting" in done.err) == (3, True)


# --- readers, other file systems, sudden death ---------------------------------------------------


@contextmanager
def start_reader(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start another process that has a file open and answers a query a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", READER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert answer(process, "SELECT 1") == "1"
    yield process
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.fixture
def reader(book: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the projection open that is current now."""
    with start_reader(book / "ledger.duckdb") as process:
        yield process


def answer(reader: subprocess.Popen[str], query: str = STRATEGIES) -> str:
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write(f"{query}\n")
    reader.stdin.flush()
    return reader.stdout.readline().strip()


def test_whoever_has_the_old_file_open_keeps_reading_it(
    book: Path, reader: subprocess.Popen[str]
) -> None:
    assert answer(reader) == "unattributed"
    assert run(book, "switch").code == 0
    assert (answer(reader), strategy(book)) == ("unattributed", "bots")
    for fill in ("fill-3", "fill-4", "fill-5"):
        assert run(book, "ingest", another_fill(book.parent, fill)).code == 0
        assert answer(reader, "SELECT count(*) FROM fill") == "2"
    assert run(book, "switch", "--back").code == 0
    assert (answer(reader), strategy(book)) == ("unattributed", "unattributed")


def test_where_links_are_unknown_the_current_projection_is_copied(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "links are not supported here")

    monkeypatch.setattr(os, "link", refuse)
    assert run(book, "switch").code == 0
    assert (strategy(book), strategy(book, "previous")) == ("bots", "unattributed")
    assert run(book, "switch", "--back").code == 0
    assert (strategy(book), strategy(book, "previous")) == ("unattributed", "bots")


def kept(book: Path) -> list[str]:
    """Return the strategies of all projections that are kept, after what was begun was settled."""
    with books.load(book).projecting():
        pass
    assert not [path.name for path in book.iterdir() if path.suffix == ".replaced"]
    found = ("current", "candidate", "previous")
    return [strategy(book, on) for on in found if on == "current" or _is_there(book, on)]


def _is_there(book: Path, on: str) -> bool:
    return (book / f"{on}.duckdb").exists()


def die(book: Path, step: int, *words: str) -> int:
    """Run a verb that kills itself at a step; return its code."""
    command = [sys.executable, "-m", "tests.tools.dying", str(step)]
    done = subprocess.run(
        [*command, "--book", book, *words], capture_output=True, timeout=120, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize("words", [["switch"], ["switch", "--back"]])
def test_a_process_that_is_killed_at_any_step_leaves_a_current_projection_and_loses_none(
    book: Path, tmp_path: Path, words: list[str]
) -> None:
    if "--back" in words:
        run(book, "switch")
        run(book, "rebuild")
    before = sorted(kept(book))
    seen = set()
    for step in count(1):
        copy = tmp_path / f"copy-{step}"
        shutil.copytree(book, copy)
        code = die(copy, step, *words)
        seen.add(strategy(copy))
        assert sorted(kept(copy)) == before, step
        if code == 0:
            break
    assert step > 3
    assert seen == {"unattributed", "bots"}
