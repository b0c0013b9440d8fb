"""`ingest`: every file whole or not at all, and never twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.command import (
    BOUGHT,
    SOLD,
    bytes_of,
    edited,
    fills_page,
    finish,
    run,
    settlements_page,
    small_book,
    start,
    written,
)

BALANCE = '{"balance":1234,"portfolio_value":56,"updated_ts":1780315200}'
POSITIONS = json.dumps(
    {
        "cursor": "",
        "market_positions": [
            {
                "ticker": "KXMADE-26JUN01-T71",
                "position_fp": "6.00",
                "market_exposure_dollars": "3.7200",
                "realized_pnl_dollars": "0.1200",
                "fees_paid_dollars": "0.2700",
                "total_traded_dollars": "7.6000",
            }
        ],
    }
)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """An empty book."""
    run(tmp_path / "book", "init")
    return tmp_path / "book"


def test_the_same_folder_twice_changes_not_one_byte(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    before = bytes_of(book)
    again = run(book, "ingest", tmp_path / "pages", "--json").json
    assert (again["new"], again["revisions"], again["duplicates"]) == (0, 0, 3)
    assert again["projection"]["rebuilt"] is False
    assert bytes_of(book) == before


def test_the_same_rows_in_other_pages_and_spacing_are_duplicates(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    spaced = json.dumps(json.loads(fills_page([SOLD])), indent=2)
    taken = run(book, "ingest", written(tmp_path / "again", one=spaced), "--json").json
    assert (taken["new"], taken["revisions"], taken["duplicates"]) == (0, 0, 1)
    assert run(book, "status", "--json").json["fills"] == 2


def test_other_content_under_the_same_key_is_a_revision(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    dearer = edited(fills_page(), "fills", fee_cost="0.2700")
    taken = run(book, "ingest", written(tmp_path / "again", fills=dearer), "--json").json
    assert (taken["new"], taken["revisions"], taken["duplicates"]) == (0, 1, 1)
    told = run(book, "status", "--json").json
    assert (told["fills"], told["restatements"], told["realized_net"]) == (2, 1, "2.03")


def test_every_file_is_told_with_its_form_and_rows(tmp_path: Path, book: Path) -> None:
    pages = written(tmp_path / "pages", fills=fills_page(), settlements=settlements_page())
    taken = run(book, "ingest", pages, "--json").json
    assert taken["files"] == [
        {
            "file": str(pages / "fills.json"),
            "form": "json page",
            "rows": {"kalshi.fill": 2},
            "new": 2,
            "revisions": 0,
            "duplicates": 0,
            "notes": [],
        },
        {
            "file": str(pages / "settlements.json"),
            "form": "json page",
            "rows": {"kalshi.settlement": 1},
            "new": 1,
            "revisions": 0,
            "duplicates": 0,
            "notes": [],
        },
    ]
    assert (taken["rows"], taken["new"]) == ({"kalshi.fill": 2, "kalshi.settlement": 1}, 3)


def test_a_foreign_file_is_refused_by_name_and_the_others_are_taken_in(
    tmp_path: Path, book: Path
) -> None:
    pages = written(
        tmp_path / "pages",
        a_fills=fills_page(),
        b_cut=fills_page()[:-40],
        c_foreign='{"error":"unauthorized"}',
        d_settlements=settlements_page(),
    )
    (pages / "e_notes.txt").write_text("buy milk\n")
    done = run(book, "ingest", pages, "--json")
    assert (done.code, done.json["refused"], done.json["new"]) == (2, 3, 3)
    refused = [entry["file"] for entry in done.json["files"] if "refused" in entry]
    assert refused == [
        str(pages / name) for name in ("b_cut.json", "c_foreign.json", "e_notes.txt")
    ]
    assert done.json["projection"]["rebuilt"] is True
    seen = run(book, "ingest", pages)
    assert seen.code == 2
    assert seen.verdict.startswith("3 files refused; 0 new events, 0 revisions, 3 duplicates")
    assert f"refused: {pages / 'b_cut.json'}: " in seen.out
    assert run(book, "status", "--json").json["realized_net"] == "2.13"


def test_a_refused_file_leaves_nothing_in_the_log(tmp_path: Path, book: Path) -> None:
    before = (book / "log.sqlite").read_bytes()
    assert run(book, "ingest", written(tmp_path / "p", cut=fills_page()[:-1])).code == 2
    assert (book / "log.sqlite").read_bytes() == before


def test_accounts_and_modes_never_mix(tmp_path: Path, book: Path) -> None:
    pages = written(tmp_path / "pages", fills=fills_page(), settlements=settlements_page())
    for options in ((), ("--account", "other"), ("--mode", "paper")):
        taken = run(book, "ingest", pages, *options, "--json").json
        assert (taken["new"], taken["duplicates"]) == (3, 0)
    rows = run(
        book,
        "query",
        "SELECT account, mode, sum(realized_gross) AS gross, sum(realized_net) AS net "
        "FROM lot_match GROUP BY ALL ORDER BY 1, 2",
        "--json",
    ).json["rows"]
    assert rows == [
        {"account": account, "mode": mode, "gross": "2.4", "net": "2.13"}
        for account, mode in (("main", "live"), ("main", "paper"), ("other", "live"))
    ]
    assert run(book, "ingest", pages, "--json").json["duplicates"] == 3


def test_standard_input_is_read_as_one_more_file(tmp_path: Path) -> None:
    assert finish(start("init", folder=tmp_path)).code == 0
    done = finish(start("ingest", "-", "--json", folder=tmp_path), stdin=fills_page())
    assert (done.code, done.json["new"], done.json["files"][0]["file"]) == (0, 2, "-")


def test_appending_without_projecting_leaves_the_projection_as_it_is(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    before = (book / "ledger.duckdb").read_bytes()
    third = written(tmp_path / "new", fills=fills_page([replace(BOUGHT, fill_id="fill-3")]))
    taken = run(book, "ingest", third, "--no-project", "--json").json
    assert (taken["new"], taken["projection"]) == (1, None)
    assert (book / "ledger.duckdb").read_bytes() == before
    assert run(book, "project", "--json").json["watermark"] == 7


def test_a_dry_run_counts_what_would_be_new(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    third = written(tmp_path / "new", fills=fills_page([BOUGHT, replace(BOUGHT, fill_id="fill-3")]))
    taken = run(book, "ingest", third, "--dry-run", "--json").json
    assert (taken["dry_run"], taken["new"], taken["duplicates"]) == (True, 1, 1)
    assert run(book, "status", "--json").json["events"] == 5


def test_positions_without_a_moment_are_refused_and_as_of_gives_it(
    tmp_path: Path, book: Path
) -> None:
    pages = written(tmp_path / "pages", positions=POSITIONS)
    refused = run(book, "ingest", pages)
    assert refused.code == 2
    assert "--as-of" in refused.out
    for moment in ("2026-06-01T11:30:00", "2026-06-01T13:30:00+02:00"):
        assert run(book, "ingest", pages, "--as-of", moment).code == 0
    asked = "SELECT as_of, quantity FROM position_snapshot"
    rows = run(book, "query", asked, "--json").json["rows"]
    assert rows == [{"as_of": "2026-06-01T11:30:00Z", "quantity": "6"}]


def test_a_balance_that_names_its_moment_needs_no_as_of(tmp_path: Path, book: Path) -> None:
    assert run(book, "ingest", written(tmp_path / "pages", balance=BALANCE)).code == 0
    asked = "SELECT as_of, cash, portfolio_value FROM balance_snapshot"
    assert run(book, "query", asked, "--json").json["rows"] == [
        {"as_of": "2026-06-01T12:00:00Z", "cash": "12.34", "portfolio_value": "0.56"}
    ]


def test_a_page_that_is_not_the_last_one_is_remarked_on(tmp_path: Path, book: Path) -> None:
    page = fills_page().replace('"cursor":""', '"cursor":"more"')
    done = run(book, "ingest", written(tmp_path / "pages", fills=page), "--json")
    (entry,) = done.json["files"]
    assert done.code == 0
    assert any("cursor" in note for note in entry["notes"])
    rows = run(book, "query", "SELECT rows, cursor_ended FROM fetch_log", "--json").json["rows"]
    assert rows == [{"rows": 2, "cursor_ended": False}]


def test_events_that_no_reader_takes_are_kept_and_exit_1(tmp_path: Path, book: Path) -> None:
    lost = edited(fills_page(), "fills", count_fp=None)
    done = run(book, "ingest", written(tmp_path / "pages", fills=lost), "--json")
    assert (done.code, done.json["new"], done.json["projection"]["unreadable"]) == (1, 2, 1)
    assert run(book, "status", "--json").json["fills"] == 1


def test_order_and_batches_of_arrival_do_not_matter(tmp_path: Path) -> None:
    contents = set()
    orders = (("fills", "settlements"), ("settlements", "fills"))
    texts = {"fills": fills_page(), "settlements": settlements_page()}
    for number, names in enumerate(orders):
        book = tmp_path / f"book{number}"
        run(book, "init")
        for name in names:
            pages = written(tmp_path / f"{number}-{name}", **{name: texts[name]})
            run(book, "ingest", pages)
        by_ingest = run(book, "status", "--json").json["content_fingerprint"]
        assert run(book, "rebuild", "--json").json["content_fingerprint"] == by_ingest
        contents.add(by_ingest)
    assert len(contents) == 1
