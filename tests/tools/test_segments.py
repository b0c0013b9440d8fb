"""`segments make`, `list`, `verify` and `drop`, and rebuilds that use what they left."""

import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from tests.tools.command import BOUGHT, bytes_of, fills_page, run, small_book, written


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Give a book with two fills, a settlement, and what was told of taking them in."""
    return small_book(tmp_path)


def rebuild(book: Path, *words: str) -> dict[str, Any]:
    """Rebuild the book; return what it told."""
    return run(book, "rebuild", *words, "--json").json


FIELDS: Final = {
    "list": "segments events tail_events bytes log_bytes ratio problems",
    "make --dry-run": "dry_run made to_make events bytes kept removed",
    "make": "dry_run made to_make events bytes kept removed",
    "verify": "deep segments events problems",
    "drop": "dry_run removed events",
}
PAGE: Final = Path(__file__).parents[2] / "docs" / "segments.md"


@pytest.mark.parametrize("words", FIELDS)
def test_json_is_one_object_with_the_fields_that_the_page_lists(book: Path, words: str) -> None:
    verb = words.partition(" ")[0]
    done = run(book, "segments", *words.split(), "--json").json
    assert set(done) == {"verb", "verdict", "exit_code", *FIELDS[words].split()}
    assert done["verb"] == f"segments {verb}"
    (row,) = [line for line in PAGE.read_text("utf-8").splitlines() if _lists(line, verb)]
    assert set(FIELDS[words].split()) <= set(re.findall(r"`(\w+)`", row))


def _lists(line: str, verb: str) -> bool:
    return f"`segments {verb}` | `" in line


def damage(book: Path) -> Path:
    """Cut a file of the segments short."""
    path = next(book.rglob("kalshi.fill.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    return path


def test_a_life_of_segments(book: Path, tmp_path: Path) -> None:
    plain = rebuild(book)
    assert (plain["from_segments"], plain["segments_warning"]) == (0, None)
    listed = run(book, "segments", "list", "--json").json
    assert (listed["segments"], listed["tail_events"], listed["ratio"]) == ([], 5, None)
    made = run(book, "segments", "make", "--json").json
    assert [(one["first"], one["last"], one["events"]) for one in made["made"]] == [(1, 5, 5)]
    assert made["verdict"] == "made 1 segment of 5 events"
    assert run(book, "segments", "make").verdict == "nothing to make: 1 segment of what is sealed"
    kept = rebuild(book)
    assert (kept["fingerprint"], kept["from_segments"]) == (plain["fingerprint"], 5)
    assert rebuild(book, "--no-segments")["from_segments"] == 0
    later = fills_page([replace(BOUGHT, fill_id="fill-3")])
    assert run(book, "ingest", written(tmp_path / "new", page=later)).code == 0
    tail = rebuild(book)
    assert (tail["from_segments"], tail["events"]) == (5, 7)
    assert tail["fingerprint"] == rebuild(book, "--no-segments")["fingerprint"]
    listed = run(book, "segments", "--json").json
    assert (listed["events"], listed["tail_events"]) == (5, 2)
    assert listed["bytes"] == made["bytes"] > 0
    again = run(book, "segments", "make", "--json").json
    assert (again["to_make"], again["removed"]) == (
        [{"first": 1, "last": 7}],
        ["000000000001-000000000005"],
    )
    verified = run(book, "segments", "verify", "--deep", "--json").json
    assert (verified["exit_code"], verified["events"], verified["problems"]) == (0, 7, [])
    dropped = run(book, "segments", "drop", "--json").json
    assert (dropped["removed"], dropped["events"]) == (1, 7)
    assert rebuild(book)["from_segments"] == 0
    assert list(book.rglob("*.parquet")) == []


def test_dry_runs_tell_and_write_nothing(book: Path) -> None:
    before = bytes_of(book)
    told = run(book, "segments", "make", "--dry-run")
    assert told.verdict == "would make 1 segment of 5 events (dry run: nothing was written)"
    assert bytes_of(book) == before
    assert not (book / "segments").exists()
    run(book, "segments", "make")
    before = bytes_of(book)
    told = run(book, "segments", "drop", "--dry-run")
    assert told.verdict == "would remove 1 segment (dry run: nothing was written)"
    assert bytes_of(book) == before


def test_damage_is_told_and_costs_nothing_but_time(book: Path) -> None:
    fingerprint = rebuild(book)["fingerprint"]
    run(book, "segments", "make")
    damage(book)
    what = "kalshi.fill.parquet is not what was written"
    verified = run(book, "segments", "verify", "--json").json
    assert verified["exit_code"] == 1
    assert verified["problems"] == [{"segment": "000000000001-000000000005", "what": what}]
    made = rebuild(book)
    assert (made["fingerprint"], made["from_segments"]) == (fingerprint, 0)
    assert what in made["segments_warning"]
    assert made["verdict"].count(what) == 1
    assert made["exit_code"] == 0
    assert run(book, "segments", "make").verdict == "made 1 segment of 5 events"
    assert run(book, "segments", "verify").code == 0
    assert rebuild(book)["from_segments"] == 5


def test_a_list_names_what_cannot_be_used_without_reading_files(book: Path) -> None:
    run(book, "segments", "make")
    next(book.rglob("segment.json")).write_text("{}")
    listed = run(book, "segments", "list")
    assert listed.code == 1
    assert "segment.json cannot be read: it is damaged" in listed.out


def test_a_projection_of_the_past_is_read_from_segments_too(book: Path) -> None:
    run(book, "segments", "make")
    words = ("--as-of-position", "4")
    made, plain = rebuild(book, *words), rebuild(book, *words, "--no-segments")
    assert (made["from_segments"], plain["from_segments"]) == (4, 0)
    assert made["fingerprint"] == plain["fingerprint"]


def test_segments_are_made_up_to_a_position(book: Path) -> None:
    made = run(book, "segments", "make", "--until", "4", "--json").json
    assert [one["last"] for one in made["to_make"]] == [3]
    assert run(book, "segments", "make", "--until", "0").code == 2


def test_a_process_that_is_killed_at_any_step_leaves_whole_segments_or_none(
    book: Path, tmp_path: Path
) -> None:
    made = set()
    for step in count(1):
        copy = tmp_path / f"copy-{step}"
        shutil.copytree(book, copy)
        code = _die(copy, step, "segments", "make")
        verified = run(copy, "segments", "verify", "--deep", "--json").json
        assert (verified["exit_code"], verified["segments"] in (0, 1)) == (0, True), step
        made.add(verified["segments"])
        assert run(copy, "segments", "make").code == 0
        assert not list((copy / "segments").glob(".unfinished*"))
        assert rebuild(copy)["from_segments"] == 5
        shutil.rmtree(copy)
        if code == 0:
            break
    assert made == {0, 1}
    assert step > 5


def _die(book: Path, step: int, *words: str) -> int:
    command = [sys.executable, "-m", "tests.tools.dying", str(step)]
    done = subprocess.run(
        [*command, "--book", book, *words], capture_output=True, timeout=120, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode
