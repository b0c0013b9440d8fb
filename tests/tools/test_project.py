"""`project`: new events only, beside whoever reads, and never other code or other rules."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import duckdb
import pytest

from tests.tools.command import BOUGHT, bytes_of, fills_page, run, small_book, written
from tests.tools.test_switch import answer, die, start_reader
from tools import book as books
from tools import building

FILLS = "SELECT count(*) AS fills FROM fill"


def fills(book: Path) -> int:
    (row,) = run(book, "query", FILLS, "--json").json["rows"]
    return int(row["fills"])


def take_in(book: Path, name: str, *more: str) -> dict[str, object]:
    """Ingest one more fill; return what projecting came to."""
    page = fills_page([replace(BOUGHT, fill_id=name)])
    done = run(book, "ingest", written(book.parent / name, page=page), "--json", *more).json
    projection = done["projection"]
    assert projection is None or isinstance(projection, dict)
    return projection or {}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return small_book(tmp_path)


@pytest.fixture
def large(book: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book that counts as large: it keeps a twin."""
    monkeypatch.setattr(building, "STANDBY_BYTES", 0)
    return book


# --- in part, and in full ------------------------------------------------------------------------


def test_new_events_are_applied_and_give_what_a_rebuild_gives(book: Path) -> None:
    told = take_in(book, "fill-3")
    assert (told["rebuilt"], told["rebuilt_because"]) == (False, None)
    assert (told["events"], told["facts"], told["watermark"]) == (2, 2, 7)
    rebuilt = run(book, "rebuild", "--json").json
    for name in ("fingerprint", "content_fingerprint", "seal_digest"):
        assert told[name] == rebuilt[name]
    assert run(book, "status", "--json").json["stale_because"] is None


def test_projecting_again_leaves_every_byte_as_it_is(book: Path) -> None:
    take_in(book, "fill-3")
    before = bytes_of(book)
    done = run(book, "project", "--json").json
    assert done["verdict"] == "projection is up to date at 7 events"
    assert bytes_of(book) == before


def test_a_dry_run_says_what_would_be_applied(book: Path) -> None:
    take_in(book, "fill-3", "--no-project")
    before = bytes_of(book)
    done = run(book, "project", "--dry-run", "--json").json
    assert (done["exit_code"], done["reason"]) == (0, "it covers 5 of 7 events")
    assert done["verdict"].startswith("would apply what is new: it covers 5 of 7 events (dry run")
    assert bytes_of(book) == before


def test_without_a_projection_one_is_made_and_is_current(book: Path) -> None:
    (book / "ledger.duckdb").unlink()
    done = run(book, "project", "--json").json
    assert (done["rebuilt"], done["rebuilt_because"], done["events"]) == (True, None, 5)
    assert not (book / "candidate.duckdb").exists()


def test_a_kind_that_was_never_told_is_projected_whatever_it_takes(book: Path) -> None:
    posted = (
        '{"strategy": "maker", "instrument": "A", "order_id": "o", '
        '"posted_at": "2026-06-01T10:00:00Z"}'
    )
    done = run(book, "record", "bot.order_posted", "-", "--json", stdin=posted).json
    assert done["exit_code"] == 0
    rebuilt = run(book, "rebuild", "--json").json
    assert rebuilt["fingerprint"] == done["projection"]["fingerprint"]
    if done["projection"]["rebuilt"]:
        assert done["projection"]["rebuilt_because"]
        assert "; rebuilt in full: " in done["verdict"]


def test_what_events_left_unreadable_is_counted_each_time(book: Path) -> None:
    odd = fills_page([BOUGHT]).replace("fill-1", "odd").replace("count_fp", "contracts_fp")
    page = written(book.parent / "odd", fills=odd)
    first = run(book, "ingest", page, "--json").json
    assert (first["exit_code"], first["projection"]["unreadable"]) == (1, 1)
    second = take_in(book, "fill-3")
    assert (second["unreadable"], second["unknown_shapes"]) == (1, 1)


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("code_digest = 'other'", "the code has changed"),
        ("rules_digest = 'other'", "attribution.toml has changed"),
        ("libraries = 'other'", "the libraries have changed"),
        ("seal_digest = 'other'", "it was made from another log, or from one that was longer"),
        ("watermark = 100", "it was made from another log, or from one that was longer"),
    ],
)
def test_other_code_rules_or_log_are_refused_with_what_to_do(
    book: Path, change: str, why: str
) -> None:
    with duckdb.connect(str(book / "ledger.duckdb")) as connection:
        connection.execute(f"UPDATE projection_meta SET {change}")
    take_in(book, "fill-3", "--no-project")
    before = bytes_of(book)
    for words in (["project"], ["project", "--dry-run"]):
        done = run(book, *words, "--json").json
        assert (done["exit_code"], done["error"]) == (3, "RebuildNeededError")
        assert f"{why}: run `brokertruth rebuild`, which says what moves" in done["verdict"]
    assert bytes_of(book) == before
    assert run(book, "status", "--json").json["stale_because"] == why
    assert run(book, "rebuild").code == run(book, "switch").code == 0
    assert run(book, "project", "--json").json["watermark"] == 7


def test_what_is_taken_in_while_projecting_is_refused_stays_and_is_told(book: Path) -> None:
    (book / "attribution.toml").write_text('[strategies.bots]\nprefixes = ["bot-"]\n')
    page = fills_page([replace(BOUGHT, fill_id="fill-3")])
    done = run(book, "ingest", written(book.parent / "new", page=page), "--json").json
    assert (done["exit_code"], done["new"]) == (3, 1)
    assert done["projection"] == {"error": "RebuildNeededError"}
    assert "; projecting failed: " in done["verdict"]
    told = run(book, "query", FILLS, "--json").json
    assert (told["watermark"], told["lag_events"]) == (5, 2)
    assert told["verdict"].endswith(
        "(stale: attribution.toml has changed; it is 2 events behind; run `brokertruth rebuild`)"
    )


def test_a_projection_of_the_past_in_the_place_of_the_current_one_is_refused(book: Path) -> None:
    assert run(book, "rebuild", "--as-of-position", "4").code == 0
    shutil.copy(book / "as-of" / "position-4.duckdb", book / "ledger.duckdb")
    done = run(book, "project", "--json").json
    assert (done["exit_code"], done["error"]) == (3, "RebuildNeededError")
    assert "ledger.duckdb is of the past (position 4): run `brokertruth rebuild`" in done["verdict"]


# --- readers and twins ---------------------------------------------------------------------------


@pytest.fixture
def reader(large: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the projection open that is current now."""
    with start_reader(large / "ledger.duckdb") as process:
        yield process


def test_a_large_book_keeps_a_twin_and_brings_it_up_to_date_in_turn(large: Path) -> None:
    assert not (large / "standby.duckdb").exists()
    take_in(large, "fill-3")
    files = [(large / name).stat().st_ino for name in ("ledger.duckdb", "standby.duckdb")]
    for name in ("fill-4", "fill-5"):
        take_in(large, name)
        turned = [(large / name).stat().st_ino for name in ("ledger.duckdb", "standby.duckdb")]
        assert turned == files[::-1]
        files = turned
    assert fills(large) == 5
    rebuilt = run(large, "rebuild", "--json").json["fingerprint"]
    assert run(large, "status", "--json").json["fingerprint"] == rebuilt


def test_a_small_book_keeps_no_twin(book: Path) -> None:
    take_in(book, "fill-3")
    assert not (book / "standby.duckdb").exists()


def test_whoever_reads_the_twin_keeps_it_and_another_one_is_made(
    large: Path, reader: subprocess.Popen[str]
) -> None:
    for number in range(3, 7):
        take_in(large, f"fill-{number}")
        assert answer(reader, FILLS) == "2"
        assert fills(large) == number


@pytest.mark.parametrize("twin", ["broken", "newer", "other rules", "other log", "unfinished"])
def test_a_twin_that_cannot_be_used_is_replaced(large: Path, twin: str) -> None:
    take_in(large, "fill-3")
    path = large / "standby.duckdb"
    if twin == "broken":
        path.write_bytes(b"not a database" * 1000)
    else:
        statement = {
            "newer": "UPDATE projection_meta SET watermark = 9",
            "other rules": "UPDATE projection_meta SET rules_digest = 'other'",
            "other log": "UPDATE projection_meta SET seal_digest = 'other'",
            "unfinished": "DELETE FROM projection_meta",
        }[twin]
        with duckdb.connect(str(path)) as connection:
            connection.execute(statement)
    assert take_in(large, "fill-4")["rebuilt"] is False
    assert fills(large) == 4


def test_a_switch_drops_the_twin_of_what_was_current(large: Path) -> None:
    take_in(large, "fill-3")
    assert run(large, "rebuild").code == run(large, "switch").code == 0
    assert not (large / "standby.duckdb").exists()
    take_in(large, "fill-4")
    assert fills(large) == 4


def test_a_process_that_is_killed_at_any_step_leaves_a_projection_that_can_go_on(
    book: Path, tmp_path: Path
) -> None:
    take_in(book, "fill-3", "--no-project")
    for step in count(1):
        copy = tmp_path / f"copy-{step}" / "book"
        shutil.copytree(book, copy)
        code = die(copy, step, "project")
        assert fills(copy) in (2, 3), step
        assert run(copy, "project").code == 0
        assert fills(copy) == 3
        with books.load(copy).projecting():
            pass
        assert not [path.name for path in copy.iterdir() if path.suffix == ".replaced"]
        if code == 0:
            break
    assert step > 3
