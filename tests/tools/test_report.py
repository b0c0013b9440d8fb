"""`report save`, `list` and `show`: figures kept with what they were computed from."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.tools.command import (
    BOUGHT,
    GROSS,
    NET,
    bytes_of,
    fills_page,
    run,
    small_book,
    written,
)
from tools.render import WIDTH

ANOTHER: Final = replace(BOUGHT, fill_id="fill-9", order_id="order-9", client_order_id=None)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return small_book(tmp_path)


def saved(book: Path, name: str) -> dict[str, Any]:
    told = json.loads((book / "reports" / f"{name}.json").read_text("utf-8"))
    assert isinstance(told, dict)
    return told


def figures(told: dict[str, Any]) -> dict[str, list[dict[str, str | None]]]:
    return {
        one["label"]: [dict(zip(one["columns"], row, strict=True)) for row in one["rows"]]
        for one in told["figures"]
    }


def test_the_usual_figures_are_saved_with_what_they_are_pinned_to(book: Path) -> None:
    done = run(book, "report", "save", "2026-06.final_1", "--json")
    assert done.code == 0
    current = run(book, "project", "--json").json
    told = done.json
    for name in ("watermark", "seal_digest", "code_digest", "rules_version", "content_fingerprint"):
        assert told[name] == current[name]
        assert saved(book, "2026-06.final_1")[name] == current[name]
    assert told["libraries"].startswith("duckdb 2.0.0, ")
    assert told["left_out"] == {
        "unreadable": 0,
        "unknown_shapes": 0,
        "additive_shapes": 0,
        "unattributed_fills": 2,
        "lots_without_net": 0,
    }
    assert told["figures"] == [
        {"label": "realized P&L by day", "rows": 1},
        {"label": "realized P&L by strategy", "rows": 1},
        {"label": "cash", "rows": 1},
        {"label": "open positions", "rows": 0},
    ]
    kept = figures(saved(book, "2026-06.final_1"))
    (day,) = kept["realized P&L by day"]
    assert day["day"] == "2026-06-01"
    assert day["strategy"] == "unattributed"
    assert (day["gross"], day["net"], day["pending"]) == (GROSS, NET, "0")
    assert kept["cash"][0]["amount"] == NET


def test_saving_says_what_it_saved_and_what_was_left_out(book: Path) -> None:
    assert run(book, "report", "save", "june").out.splitlines() == [
        "saved june: 4 figures, 3 rows, as of position 5; left out: 2 unattributed fills"
    ]


def test_queries_of_the_users_own_are_saved_instead(book: Path) -> None:
    asked = (
        "--query",
        "SELECT sum(realized_net) AS net FROM lot_match",
        "--query",
        "@fees_pending",
    )
    assert run(book, "report", "save", "mine", *asked).code == 0
    told = saved(book, "mine")
    assert figures(told)["query 1"] == [{"net": NET}]
    assert [one["label"] for one in told["figures"]] == ["query 1", "@fees-pending"]
    assert told["figures"][1]["sql"].startswith("-- ")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("DROP TABLE lot_match", "DROP is not a question"),
        ("SELECT 1 AS x; SELECT 2 AS x", "2 statements"),
        ("FROM nowhere", "The tables are"),
        ("@nowhere", "no saved query"),
        ("", "no SQL"),
    ],
)
def test_a_query_that_cannot_be_asked_saves_nothing(book: Path, asked: str, why: str) -> None:
    done = run(book, "report", "save", "mine", "--query", "SELECT 1 AS x", "--query", asked)
    assert done.code == 2
    assert why in done.err
    assert not (book / "reports").exists()


def test_what_is_kept_is_exact(book: Path) -> None:
    digits = "0.12345678901234567890"
    asked = (
        f"SELECT {digits}::DECIMAL(38,20) AS x, NULL::VARCHAR AS gone, '' AS nothing,"
        " TIMESTAMPTZ '2026-01-13 20:00:00.000001+05:00' AS moment, [1.10, 2] AS several"
    )
    assert run(book, "report", "save", "exact", "--query", asked).code == 0
    (row,) = saved(book, "exact")["figures"][0]["rows"]
    assert Decimal(row[0]) == Decimal(digits)
    assert row[1:4] == [None, "", "2026-01-13T15:00:00.000001Z"]
    assert json.loads(row[4]) == ["1.1", "2"]


def test_a_dry_run_writes_nothing_and_asks_everything(book: Path) -> None:
    before = bytes_of(book)
    done = run(book, "report", "save", "june", "--dry-run", "--json")
    assert (done.code, done.json["dry_run"], done.json["replaced"]) == (0, True, False)
    assert done.json["verdict"].startswith("would save june: 4 figures")
    assert done.json["verdict"].endswith("(dry run: nothing was written)")
    assert bytes_of(book) == before
    assert run(book, "report", "save", "june", "--query", "FROM x", "--dry-run").code == 2


def test_a_report_is_overwritten_on_demand_only(book: Path) -> None:
    run(book, "report", "save", "june", "--query", "SELECT 1 AS x")
    before = bytes_of(book)
    again = run(book, "report", "save", "june", "--query", "SELECT 2 AS x")
    assert again.code == 2
    assert "choose another name, or add --replace" in again.err
    assert bytes_of(book) == before
    done = run(book, "report", "save", "june", "--query", "SELECT 2 AS x", "--replace", "--json")
    assert (done.code, done.json["replaced"]) == (0, True)
    assert figures(saved(book, "june"))["query 1"] == [{"x": "2"}]
    assert [path.name for path in (book / "reports").iterdir()] == ["june.json"]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "../june", "a/b", "/tmp/june", "a b", "jüne", "-", "a\n", "x" * 101],
    ids=repr,
)
def test_a_name_that_is_a_path_or_worse_is_refused(book: Path, name: str) -> None:
    before = bytes_of(book.parent)
    for verb in ("save", "show", "check"):
        done = run(book, "report", verb, "--", name)
        assert done.code == 2
        assert "cannot be the name of a report" in done.err
    assert bytes_of(book.parent) == before


def test_a_projection_behind_the_log_pins_what_it_covers(book: Path, tmp_path: Path) -> None:
    page = written(tmp_path / "more", fills=fills_page([ANOTHER]))
    assert run(book, "ingest", page, "--no-project").code == 0
    done = run(book, "report", "save", "june", "--json")
    assert (done.code, done.json["watermark"]) == (0, 5)
    assert done.json["stale_because"] is not None
    assert "(stale: " in done.json["verdict"]
    assert run(book, "project").code == 0
    assert run(book, "report", "check", "june").code == 0


def test_figures_of_another_log_cannot_be_pinned(book: Path, tmp_path: Path) -> None:
    other = small_book(tmp_path / "other")
    page = written(tmp_path / "more", fills=fills_page([ANOTHER]))
    assert run(other, "ingest", page).code == 0
    shutil.copy(other / "ledger.duckdb", book / "ledger.duckdb")
    done = run(book, "report", "save", "june")
    assert done.code == 3
    assert "the projection covers 7 events: it is another log" in done.err.replace("\n", " ")
    assert not (book / "reports").exists()


def test_without_a_projection_there_is_nothing_to_save(book: Path) -> None:
    (book / "ledger.duckdb").unlink()
    done = run(book, "report", "save", "june")
    assert done.code == 3
    assert "run `brokertruth" in done.err


def test_a_folder_that_cannot_be_written_is_named(book: Path) -> None:
    (book / "reports").write_text("in the way")
    done = run(book, "report", "save", "june")
    assert done.code == 3
    assert "cannot write" in done.err


def test_a_book_without_reports_lists_none(book: Path) -> None:
    done = run(book, "report", "list", "--json")
    assert (done.code, done.json["reports"], done.json["verdict"]) == (0, [], "0 reports")
    assert run(book, "report", "check").out == "no reports\n"


def test_reports_are_listed_by_name(book: Path) -> None:
    run(book, "report", "save", "june")
    run(book, "report", "save", "april", "--query", "SELECT 1 AS x")
    told = run(book, "report", "list", "--json").json
    assert [one["name"] for one in told["reports"]] == ["april", "june"]
    assert [(one["watermark"], one["figures"], one["rows"]) for one in told["reports"]] == [
        (5, 1, 1),
        (5, 4, 3),
    ]
    assert run(book, "report", "list").verdict == "2 reports"


def test_a_report_that_cannot_be_read_is_listed_with_the_reason(book: Path) -> None:
    run(book, "report", "save", "june")
    (book / "reports" / "bad.json").write_text("{")
    (book / "reports" / "notes.txt").write_text("not a report")
    os.mkfifo(book / "reports" / "pipe.json")
    done = run(book, "report", "list", "--json")
    assert done.code == 3
    assert [one["name"] for one in done.json["reports"]] == [
        *("bad", "june", "reports/notes.txt", "reports/pipe.json")
    ]
    assert "no whole report" in done.json["reports"][0]["error"]
    assert done.json["verdict"] == "4 reports, 3 of them cannot be read"


def test_what_is_called_otherwise_does_not_vanish(book: Path) -> None:
    run(book, "report", "save", "june", "--query", "SELECT 1 AS x")
    reports = book / "reports"
    # a report of another name, a copy of one, a folder; what is hidden is nobody's report
    for name in ("juné.json", "june.json.bak", "june"):
        shutil.copy(reports / "june.json", reports / name)
    (reports / "old.json").mkdir()
    (reports / ".DS_Store").write_text("")
    strays = ["reports/june", "reports/june.json.bak", "reports/juné.json", "reports/old.json"]
    told = run(book, "report", "list", "--json")
    assert (told.code, [one["name"] for one in told.json["reports"]]) == (3, ["june", *strays])
    assert all("move it to another folder" in one["error"] for one in told.json["reports"][1:])
    checked = run(book, "report", "check", "--json")
    assert (checked.code, checked.json["identical"], checked.json["refused"]) == (3, 1, 4)
    assert [one["name"] for one in checked.json["reports"]] == ["june", *strays]
    assert run(book, "report", "check", "june").code == 0


@pytest.mark.parametrize("what", ["watermark", "left_out"])
def test_a_report_of_more_than_a_log_can_hold_is_no_report(book: Path, what: str) -> None:
    run(book, "report", "save", "june", "--query", "SELECT 1 AS x")
    content = saved(book, "june")
    del content["digest"]
    content[what] = 2**63 if what == "watermark" else {"unreadable": 2**63}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    (book / "reports" / "june.json").write_text(json.dumps({"digest": digest, **content}))
    for words in (["list"], ["show", "june"], ["check", "june"], ["check"]):
        done = run(book, "report", *words)
        assert done.code == 3
        assert f"no whole report ({what}" in (done.out + done.err)


@pytest.mark.parametrize(
    "asked", ["SELECT now() AS x", "SELECT random() AS x", "SELECT fill_id, uuid() AS x FROM fill"]
)
def test_what_is_answered_otherwise_each_time_is_not_saved(book: Path, asked: str) -> None:
    done = run(book, "report", "save", "june", "--query", "SELECT 1 AS x", "--query", asked)
    assert done.code == 2
    assert "query 2 was asked twice and answered otherwise" in done.err
    assert not (book / "reports").exists()


def test_numbers_of_a_report_stand_to_the_right(book: Path) -> None:
    asked = "SELECT 'a' AS what, 1.5 AS x, 7 AS n UNION ALL SELECT 'b', NULL, 1234"
    run(book, "report", "save", "june", "--query", f"{asked} ORDER BY ALL")
    assert run(book, "report", "show", "june").out.splitlines()[1:5] == [
        "what    x     n",
        "────  ───  ────",
        "a     1.5     7",
        "b       ·  1234",
    ]


def test_a_report_is_shown_as_it_was_saved(book: Path, tmp_path: Path) -> None:
    run(book, "report", "save", "june")
    before = run(book, "report", "show", "june")
    assert before.code == 0
    assert run(book, "ingest", written(tmp_path / "m", fills=fills_page([ANOTHER]))).code == 0
    assert run(book, "report", "show", "june").out == before.out
    assert "realized P&L by strategy" in before.out
    assert before.verdict.startswith("june, saved 20")
    assert before.verdict.endswith("as of position 5; left out: 2 unattributed fills")
    assert max(len(line) for line in before.out.splitlines()) <= WIDTH


def test_a_report_is_shown_to_programs_with_its_queries(book: Path) -> None:
    run(book, "report", "save", "june", "--query", "SELECT 1 AS x")
    told = run(book, "report", "show", "june", "--json").json
    assert told["figures"] == [
        {
            "label": "query 1",
            "sql": "SELECT 1 AS x",
            "columns": ["x"],
            "types": ["int32"],
            "rows": [["1"]],
        }
    ]


def test_a_report_that_is_not_there_is_named_with_those_that_are(book: Path) -> None:
    run(book, "report", "save", "june")
    for verb in ("show", "check"):
        done = run(book, "report", verb, "may")
        assert done.code == 2
        assert "there is no report may; there are: june" in done.err


def test_an_edited_report_is_neither_shown_nor_checked(book: Path) -> None:
    run(book, "report", "save", "june")
    path = book / "reports" / "june.json"
    path.write_text(path.read_text("utf-8").replace(f'"{NET}"', '"99.99"'), "utf-8")
    for verb in ("show", "check"):
        done = run(book, "report", verb, "june", "--json")
        assert (done.code, done.json["error"]) == (3, "CannotDoError")
        assert "was edited after it was saved" in done.json["verdict"]
