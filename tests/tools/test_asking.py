"""`query` and `explain`: one SELECT in four formats, and the way back from a figure."""

import csv
import io
import json
import os
import pty
import subprocess
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from replay import query as queries
from tests.tools.command import DAY, MARKET, SCRIPT, bytes_of, fills_page, run, small_book, written

LOTS = "SELECT direction, quantity, realized_net, closed_at FROM lot_match ORDER BY closed_at"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_book(tmp_path_factory.mktemp("made"))


# --- formats -------------------------------------------------------------------------------------


def test_a_table_has_aligned_numbers_and_the_number_of_rows(book: Path) -> None:
    assert run(book, "query", LOTS).out.splitlines() == [
        "direction  quantity  realized_net  closed_at",
        "─────────  ────────  ────────────  ────────────────────",
        "long              4        -0.048  2026-06-01 11:00:00Z",
        "long              6         2.178  2026-06-01 12:00:00Z",
        "2 rows, as of position 5",
    ]


def test_csv_is_all_of_standard_output(book: Path) -> None:
    done = run(book, "query", LOTS, "--format", "csv")
    rows = list(csv.reader(io.StringIO(done.out)))
    assert rows == [
        ["direction", "quantity", "realized_net", "closed_at"],
        ["long", "4", "-0.048", "2026-06-01T11:00:00Z"],
        ["long", "6", "2.178", "2026-06-01T12:00:00Z"],
    ]
    assert (done.code, done.err) == (0, "2 rows, as of position 5\n")


def test_json_is_an_array_and_decimals_are_strings(book: Path) -> None:
    done = run(book, "query", LOTS, "--format", "json")
    assert [row["realized_net"] for row in json.loads(done.out)] == ["-0.048", "2.178"]
    assert done.err == "2 rows, as of position 5\n"


def test_lines_of_csv_end_as_rfc_4180_says(book: Path, tmp_path: Path) -> None:
    asked = ("query", "SELECT 1 AS one", "--format", "csv")
    command: list[str | Path] = [SCRIPT, "--book", book, *asked]
    done = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout == b"one\r\n1\r\n"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_terminal_gets_no_control_characters_and_a_pipe_gets_them_as_they_are(
    book: Path, tmp_path: Path, form: str
) -> None:
    question = "SELECT chr(155) || '31mred' || chr(127) || 'é' AS text"
    command: list[str | Path] = [SCRIPT, "--book", book, "query", question, "--format", form]
    piped = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
    assert "\x9b31mred\x7fé" in piped.stdout.decode()
    ours, theirs = pty.openpty()
    try:
        subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, check=True, cwd=tmp_path)
        seen = os.read(ours, 4096).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert r"\x9b31mred\x7fé" in seen
    assert seen.splitlines() == [line for line in seen.splitlines() if line.isprintable()]


def test_parquet_keeps_every_digit(book: Path, tmp_path: Path) -> None:
    target = tmp_path / "lots.parquet"
    done = run(book, "query", LOTS, "--format", "parquet", "--output", target, "--json")
    table = pq.read_table(target)
    assert table.schema.field("realized_net").type == pa.decimal128(38, 20)
    assert table.column("realized_net").to_pylist() == [Decimal("-0.048"), Decimal("2.178")]
    assert done.json["output"] == str(target)
    assert [row["realized_net"] for row in done.json["rows"]] == ["-0.048", "2.178"]


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_file_holds_what_the_screen_would_show(book: Path, tmp_path: Path, form: str) -> None:
    target = tmp_path / "answer"
    done = run(book, "query", LOTS, "--format", form, "-o", target)
    assert (done.code, done.out) == (0, f"2 rows, as of position 5, written to {target}\n")
    with target.open(encoding="utf-8", newline="") as file:
        text = file.read()
    # The runner of this process writes every line end as \n.
    seen = run(book, "query", LOTS, "--format", form).out
    assert seen.startswith(text.replace("\r\n", "\n"))
    assert ("\r\n" in text) == (form == "csv")


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_a_file_that_cannot_be_written_exits_3(book: Path, tmp_path: Path, form: str) -> None:
    target = tmp_path / "no" / "such" / "folder"
    done = run(book, "query", LOTS, "--format", form, "-o", target)
    assert (done.code, done.out) == (3, "")
    assert "cannot write" in done.err


def test_no_rows_is_an_answer_in_every_format(book: Path, tmp_path: Path) -> None:
    none = "SELECT fill_id, fee FROM fill WHERE false"
    assert run(book, "query", none).verdict == "0 rows, as of position 5"
    assert run(book, "query", none, "--format", "csv").out.splitlines() == ["fill_id,fee"]
    assert json.loads(run(book, "query", none, "--format", "json").out) == []
    target = tmp_path / "none.parquet"
    assert run(book, "query", none, "--format", "parquet", "-o", target).code == 0
    assert pq.read_table(target).column_names == ["fill_id", "fee"]


def test_a_long_table_is_cut_for_the_screen_alone(book: Path) -> None:
    many = "SELECT range AS n FROM range(1500)"
    seen = run(book, "query", many).out.splitlines()
    assert seen[-2:] == ["first 1000 of 1500 rows", "1,500 rows, as of position 5"]
    assert len(run(book, "query", many, "--format", "csv").out.splitlines()) == 1501
    assert len(run(book, "query", many, "--json").json["rows"]) == 1500


def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(book: Path) -> None:
    asked = """SELECT '=cmd()' AS text, -1.50::DECIMAL(9,2) AS number"""
    assert run(book, "query", asked, "--format", "csv").out == "text,number\n'=cmd(),-1.5\n"


# --- what is asked -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [saved.name for saved in queries.saved()])
def test_every_saved_query_can_be_asked(book: Path, name: str) -> None:
    done = run(book, "query", f"@{name}")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 100


def test_the_list_names_every_saved_query_with_its_question(book: Path, tmp_path: Path) -> None:
    # The list needs no book.
    told = run(tmp_path / "none", "query", "--list", "--json").json["queries"]
    assert [one["name"] for one in told] == [saved.name for saved in queries.saved()]
    assert all(one["question"].endswith("?") for one in told)


@pytest.mark.parametrize(
    "asked",
    [
        "",
        ";",
        "/* nothing */",
        "@",
        "@nope",
        "@pnl-by-day; DROP TABLE fill",
        "@../../etc/passwd",
        "SELECT 1; SELECT 2",
        "DROP TABLE fill",
        "DELETE FROM fill",
        "UPDATE fill SET fee = 0",
        "CREATE TABLE x AS SELECT 1",
        "COPY fill TO 'stolen.csv'",
        "EXPORT DATABASE 'stolen'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "SET lock_configuration = false",
        "PRAGMA database_list; SELECT 1",
        "SELECT * FROM read_csv('book.toml')",
        "SELECT * FROM read_text('book.toml')",
        "SELECT * FROM 'book.toml'",
        "FROM nope",
        "SELECT nope FROM fill",
        "SELEC 1",
        "SELECT 'é FROM fill",
        "SELECT ?",
        "SELECT $1",
        "SELECT 1 AS a, 2 AS a",
        "SELECT error('[/red]')",
    ],
)
def test_what_is_not_one_select_is_refused_and_changes_nothing(book: Path, asked: str) -> None:
    before = bytes_of(book)
    done = run(book, "query", asked)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("query: ")
    assert "Traceback" not in done.err
    assert bytes_of(book) == before


def test_a_saved_query_that_is_not_there_is_answered_with_the_nearest(book: Path) -> None:
    done = run(book, "query", "@pnl-by-dya")
    assert (done.code, "did you mean pnl-by-day" in done.err) == (2, True)


def test_an_answer_from_a_stale_projection_says_so(tmp_path: Path) -> None:
    stale = small_book(tmp_path)
    run(stale, "ingest", written(tmp_path / "new", page=fills_page(generation="5")), "--no-project")
    told = run(stale, "query", LOTS, "--json")
    assert (told.code, told.json["stale_because"]) == (0, "it covers 5 of 8 events")
    assert "stale" in told.json["verdict"]
    told = run(stale, "explain", DAY, "--json")
    assert (told.code, told.json["stale_because"]) == (0, "it covers 5 of 8 events")
    assert told.json["verdict"] == (
        f"explained {DAY}, as of position 5 "
        "(stale: it covers 5 of 8 events; run `brokertruth project`)"
    )
    assert (told.json["watermark"], told.json["lag_events"]) == (5, 3)


def test_every_answer_counts_what_was_left_out(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    odd = fills_page(generation="5").replace("fill-", "odd-").replace("count_fp", "contracts_fp")
    run(book, "ingest", written(tmp_path / "odd", fills=odd))
    for words in (["query", LOTS], ["explain", DAY]):
        told = run(book, *words, "--json").json
        assert (told["unreadable"], told["drifted_shapes"], told["lag_events"]) == (2, 1, 0)
        assert told["verdict"].endswith(", as of position 8; 2 events unreadable, 1 shape drifted")
    told = run(book, "status", "--json").json
    assert (told["unreadable"], told["drifted_shapes"], told["lag_events"]) == (2, 1, 0)
    assert "2 unreadable; 1 drifted shape;" in told["verdict"]


def test_what_is_not_there_cannot_be_asked(book: Path) -> None:
    for on, told in (
        ("candidate", "run `brokertruth rebuild`"),
        ("previous", "nothing was switched yet"),
        ("nowhere.duckdb", "name a file, or one of current, candidate, previous"),
        ("", "name a file"),
    ):
        for words in (["query", LOTS], ["explain", DAY]):
            done = run(book, *words, "--on", on)
            assert (done.code, done.out) == (2, "")
            assert f"there is no projection {on!r}: {told}" in done.err


def test_a_file_that_is_no_projection_cannot_be_asked(book: Path) -> None:
    done = run(book, "query", LOTS, "--on", "log.sqlite")
    assert (done.code, done.out) == (3, "")
    assert "log.sqlite" in done.err


# --- explain -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [DAY, MARKET, "fill-2", "order-1", "4", "trade:fill-1"])
def test_everything_that_has_a_name_can_be_explained_down_to_the_payload(
    book: Path, target: str
) -> None:
    done = run(book, "explain", target)
    assert (done.code, done.verdict) == (0, f"explained {target}, as of position 5")
    assert max(map(len, done.out.splitlines())) <= 100
    told = run(book, "explain", target, "--json").json["explanation"]
    assert set(told) == {"title", "kind", "facts", "query", "children"}
    assert "payload" in json.dumps(told)
