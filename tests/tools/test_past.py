"""`rebuild --as-of-…`: projections of the past, which are asked and never current."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.tools.command import BOUGHT, bytes_of, fills_page, run, small_book, written

POSITION = ("rebuild", "--as-of-position", "4")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return small_book(tmp_path)


def answer(book: Path, query: str, on: str) -> dict[str, object]:
    done = run(book, "query", query, "--on", on, "--json")
    assert done.code == 0, done.out
    return done.json


def test_what_the_log_held_at_a_position_is_asked_by_its_file(book: Path) -> None:
    current = (book / "ledger.duckdb").read_bytes()
    done = run(book, *POSITION, "--json").json
    path = book / "as-of" / "position-4.duckdb"
    assert (done["output"], done["as_of"], done["current"]) == (str(path), "position 4", False)
    assert (done["events"], done["watermark"]) == (4, 4)
    for on in (str(path), "as-of/position-4.duckdb"):
        told = answer(book, "SELECT count(*) AS n FROM stream_status", on)
        assert told["verdict"] == "1 row, as of position 4"
        assert (told["as_of"], told["lag_events"], told["stale_because"]) == ("position 4", 0, None)
    assert (book / "ledger.duckdb").read_bytes() == current
    assert not (book / "candidate.duckdb").exists()


def test_a_moment_is_that_of_receipt_or_of_the_event_itself(book: Path) -> None:
    fills = "SELECT count(*) AS n FROM fill"
    for kind, moment, name, number in (
        ("received", "2026-06-01T10:30:00Z", "received-2026-06-01T103000Z", 0),
        ("happened", "2026-06-01T10:30:00Z", "happened-2026-06-01T103000Z", 1),
        ("happened", "2026-06-01T07:00:00.5-04:00", "happened-2026-06-01T110000.500000Z", 2),
    ):
        done = run(book, "rebuild", f"--as-of-{kind}", moment, "--json").json
        assert done["output"] == str(book / "as-of" / f"{name}.duckdb")
        told = answer(book, fills, f"as-of/{name}.duckdb")
        assert told["rows"] == [{"n": number}]
        assert str(told["as_of"]).startswith(f"{kind} 2026-06-01T1")
        assert f", as of position 5 ({told['as_of']})" in str(told["verdict"])


def test_a_figure_of_the_past_is_explained_too(book: Path) -> None:
    assert run(book, *POSITION).code == 0
    done = run(book, "explain", "fill-1", "--on", "as-of/position-4.duckdb", "--json").json
    assert (done["exit_code"], done["as_of"], done["watermark"]) == (0, "position 4", 4)


def test_it_is_made_again_in_the_same_place(book: Path) -> None:
    first, second = (run(book, *POSITION, "--json").json for _ in range(2))
    assert first["fingerprint"] == second["fingerprint"]
    assert [path.name for path in (book / "as-of").iterdir()] == ["position-4.duckdb"]


def test_a_file_elsewhere_can_be_named(book: Path, tmp_path: Path) -> None:
    path = tmp_path / "then.duckdb"
    assert run(book, *POSITION, "--into", path).code == 0
    assert answer(book, "SELECT 1 AS one", str(path))["as_of"] == "position 4"
    assert not (book / "as-of").exists()


def test_a_dry_run_builds_it_and_keeps_nothing(book: Path) -> None:
    before = bytes_of(book)
    done = run(book, *POSITION, "--dry-run", "--json").json
    assert (done["exit_code"], done["events"], done["rebuilt"]) == (0, 4, False)
    assert done["verdict"].endswith("(dry run: nothing was written)")
    assert bytes_of(book) == before
    assert not (book / "as-of").exists()


def test_unreadable_events_count_unless_lenient(book: Path, tmp_path: Path) -> None:
    odd = fills_page([BOUGHT]).replace("fill-1", "fill-3").replace("count_fp", "contracts_fp")
    run(book, "ingest", written(tmp_path / "odd", fills=odd), "--no-project")
    words = ("rebuild", "--as-of-position", "7")
    assert [run(book, *words).code, run(book, *words, "--lenient").code] == [1, 0]
    told = answer(book, "SELECT 1 AS one", "as-of/position-7.duckdb")
    assert (told["unreadable"], told["drifted_shapes"]) == (1, 1)
    assert told["verdict"] == "1 row, as of position 7; 1 event unreadable, 1 shape drifted"


def test_one_that_was_never_finished_is_not_asked(book: Path) -> None:
    run(book, *POSITION)
    with duckdb.connect(str(book / "as-of" / "position-4.duckdb")) as connection:
        connection.execute("DROP TABLE projection_meta")
    done = run(book, "query", "SELECT 1", "--on", "as-of/position-4.duckdb")
    assert (done.code, "was never finished" in done.err) == (3, True)


def test_later_events_do_not_make_it_stale_but_other_rules_do(book: Path, tmp_path: Path) -> None:
    run(book, *POSITION)
    page = fills_page([replace(BOUGHT, fill_id="fill-3")])
    run(book, "ingest", written(tmp_path / "new", page=page))
    on = "as-of/position-4.duckdb"
    assert answer(book, "SELECT 1 AS one", on)["stale_because"] is None
    (book / "attribution.toml").write_text('[strategies.bots]\nprefixes = ["bot-"]\n')
    told = answer(book, "SELECT 1 AS one", on)
    assert told["stale_because"] == "attribution.toml has changed"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--as-of-position", "0"], "--as-of-position"),
        (["--as-of-position", "6"], "the log ends at 5"),
        (["--as-of-received", "2026-05-11T00:00:00"], "names no zone: write 2026-05-11T00:00:00Z"),
        (["--as-of-happened", "2026-05-11"], "names no zone"),
        (["--as-of-happened", "yesterday"], "write it like"),
        (["--as-of-position", "4", "--as-of-happened", "2026-05-11T00:00Z"], "give one of"),
        (["--as-of-position", "4", "--accept-below", "0"], "never is"),
        (["--into", "elsewhere.duckdb"], "add one of the --as-of options"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(book: Path, words: list[str], told: str) -> None:
    before = bytes_of(book)
    done = run(book, "rebuild", *words)
    assert (done.code, done.out, bytes_of(book) == before) == (2, "", True)
    assert told in done.err


@pytest.mark.parametrize(
    "name",
    ["ledger.duckdb", "log.sqlite", "candidate.duckdb", "../book/any.duckdb", "../mine.txt"],
)
def test_nothing_of_the_book_and_nothing_of_anybody_is_written_over(book: Path, name: str) -> None:
    (book.parent / "mine.txt").write_text(json.dumps("mine"))
    before = bytes_of(book.parent)
    done = run(book, *POSITION, "--into", book / name)
    assert (done.code, done.out) == (2, "")
    assert bytes_of(book.parent) == before


def test_a_folder_that_is_not_there_is_told(book: Path, tmp_path: Path) -> None:
    done = run(book, *POSITION, "--into", tmp_path / "nowhere" / "then.duckdb")
    assert (done.code, "cannot write in" in done.err) == (3, True)
