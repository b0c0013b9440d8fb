"""`ingest`: every file whole or not at all, and never twice."""

import fcntl
import json
import os
import socket
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters import flex
from adapters.files import read_input
from adapters.log.sqlite import SQLiteLog
from domain.event import NewEvent, Owner
from tests.adapters.flex.made import element, response, statement, trade, trades
from tests.contracts.event_log import made
from tests.shared_data import SHARED, needs_shared_data
from tests.tools.command import (
    BOUGHT,
    SOLD,
    Ran,
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
from tools import ingest

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
    assert (told["fills"], told["changed_facts"]) == (2, 1)
    assert told["realized"][0]["realized_net"] == "2.03"


def test_every_file_is_told_with_its_form_and_rows(tmp_path: Path, book: Path) -> None:
    pages = written(tmp_path / "pages", fills=fills_page(), settlements=settlements_page())
    taken = run(book, "ingest", pages, "--json").json
    assert taken["files"] == [
        {
            "file": str(pages / "fills.json"),
            "form": "json page",
            "rows": {"kalshi.fill": 2},
            "rows_left_out": 0,
            "new": 2,
            "revisions": 0,
            "duplicates": 0,
            "notes": [],
        },
        {
            "file": str(pages / "settlements.json"),
            "form": "json page",
            "rows": {"kalshi.settlement": 1},
            "rows_left_out": 0,
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
    assert run(book, "status", "--json").json["realized"][0]["realized_net"] == "2.13"


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


def test_the_same_snapshot_at_another_moment_is_taken_in_and_at_the_same_one_is_known(
    tmp_path: Path, book: Path
) -> None:
    pages = written(tmp_path / "pages", positions=POSITIONS)
    counts = []
    for moment in ("2026-06-01T11:30:00Z", "2026-06-02T11:30:00Z", "2026-06-01T13:30:00+02:00"):
        taken = run(book, "ingest", pages, "--as-of", moment, "--json").json
        counts.append((taken["new"], taken["revisions"], taken["duplicates"]))
    assert counts == [(1, 0, 0), (1, 0, 0), (0, 0, 1)]
    asked = "SELECT as_of FROM position_snapshot ORDER BY as_of"
    assert run(book, "query", asked, "--json").json["rows"] == [
        {"as_of": "2026-06-01T11:30:00Z"},
        {"as_of": "2026-06-02T11:30:00Z"},
    ]


def test_rows_that_no_importer_knows_are_counted_and_exit_1_every_time(
    tmp_path: Path, book: Path
) -> None:
    parsed = json.loads(fills_page()) | {"novelties": [{"a": 1}, {"a": 2}]}
    pages = written(tmp_path / "pages", page=json.dumps(parsed))
    for new in (2, 0):
        done = run(book, "ingest", pages, "--json")
        assert (done.code, done.json["new"], done.json["rows_left_out"]) == (1, new, 2)
        assert done.json["verdict"].startswith("2 rows under unknown names NOT taken in; ")
    assert run(book, "drift").code == 0


def test_an_importer_that_has_learnt_more_takes_the_rest_in(tmp_path: Path, book: Path) -> None:
    # What an importer that knew no settlements would have appended from this very file.
    both = json.loads(fills_page()) | json.loads(settlements_page())
    text = json.dumps(both)
    now = datetime(2026, 6, 3, tzinfo=UTC)
    found = read_input(text.encode(), name="p", owner=Owner("main", "live"), received_at=now)
    *rows, fetch = found.events
    earlier = fetch._replace(state=fetch.state.replace(b'"rows":3', b'"rows":2,"rows_left_out":1'))
    with SQLiteLog.open(book / "log.sqlite") as log:
        log.append([*(row for row in rows if row.kind == "kalshi.fill"), earlier])
    pages = written(tmp_path / "pages", page=text)
    tried = run(book, "ingest", pages, "--dry-run", "--json").json
    taken = run(book, "ingest", pages, "--json").json
    for told in (tried, taken):
        assert (told["new"], told["revisions"], told["duplicates"]) == (1, 0, 2)
    again = run(book, "ingest", pages, "--json").json
    assert (again["new"], again["revisions"], again["duplicates"]) == (0, 0, 3)
    assert run(book, "verify", "--json").json["events"] == 5


def test_where_projecting_fails_what_was_appended_is_still_told(tmp_path: Path, book: Path) -> None:
    pages = written(tmp_path / "pages", fills=fills_page())
    with (book / "ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = finish(start("--book", "book", "ingest", "pages", "--json", folder=tmp_path))
    assert (done.code, done.json["exit_code"], done.json["new"]) == (3, 3, 2)
    assert [entry["new"] for entry in done.json["files"]] == [2]
    assert done.json["projection"] == {"error": "CannotDoError"}
    assert "; projecting failed: book: another brokertruth is projecting" in done.json["verdict"]
    again = run(book, "ingest", pages, "--json")
    assert (again.code, again.json["new"], again.json["projection"]["rebuilt"]) == (0, 0, True)


def test_a_file_that_cannot_be_read_is_refused_and_the_others_are_taken_in(
    tmp_path: Path, book: Path
) -> None:
    pages = written(tmp_path / "pages", fills=fills_page())
    with socket.socket(socket.AF_UNIX) as unreadable:
        unreadable.bind(str(tmp_path / "s"))
        done = run(book, "ingest", tmp_path / "s", pages, "--json")
    assert (done.code, done.json["refused"], done.json["new"]) == (2, 1, 2)
    assert done.json["files"][0]["refused"].startswith(f"{tmp_path / 's'}: cannot be read: ")


def test_a_file_name_that_is_no_text_is_told_with_its_bytes_escaped(
    tmp_path: Path, book: Path
) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    for name, text in ((b"\xff.json", fills_page()), (b"cut\xff.json", fills_page()[:-5])):
        (pages / os.fsdecode(name)).write_text(text, "utf-8")
    done = finish(start("--book", "book", "ingest", "pages", "--json", folder=tmp_path))
    assert (done.code, done.json["new"], done.json["refused"]) == (2, 2, 1)
    names = [entry["file"] for entry in done.json["files"]]
    assert names == ["pages/cut\\udcff.json", "pages/\\udcff.json"]
    seen = finish(start("--book", "book", "ingest", "pages", folder=tmp_path))
    assert (seen.code, "\\udcff.json" in seen.out, "Traceback" in seen.err) == (2, True, False)


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


# --- Flex statements -----------------------------------------------------------------------------


def take_statement(book: Path, text: str | bytes | Path, *options: str) -> Ran:
    """Ingest one statement without projecting it."""
    path = text if isinstance(text, Path) else book.parent / "statement.xml"
    if not isinstance(text, Path):
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return run(book, "ingest", path, "--no-project", "--json", *options)


def counts(done: Ran) -> tuple[int, int, int]:
    return done.json["new"], done.json["revisions"], done.json["duplicates"]


def test_a_statement_is_told_with_its_rows_by_kind_and_its_notes(book: Path) -> None:
    horoscope = element("Horoscopes", element("Horoscope", sign="leo"))
    text = response(statement(element("Trades", trade(1), trade(2)), horoscope))
    done = take_statement(book, text)
    assert done.code == 0
    assert done.json["files"] == [
        {
            "file": str(book.parent / "statement.xml"),
            "form": "flex statement",
            "rows": {"ibkr.flex.other": 1, "ibkr.flex.statement": 1, "ibkr.flex.trade": 2},
            "rows_left_out": 0,
            "new": 4,
            "revisions": 0,
            "duplicates": 0,
            "notes": ["1 row of Horoscopes, an unknown section, was kept and is not read"],
        }
    ]
    with SQLiteLog.open(book / "log.sqlite") as log:
        assert log.head() == 5


def test_a_statement_twice_is_all_duplicates_and_a_correction_one_revision(book: Path) -> None:
    text = trades(trade(1), trade(2))
    assert counts(take_statement(book, text)) == (3, 0, 0)
    before = bytes_of(book)
    assert counts(take_statement(book, text)) == (0, 0, 3)
    assert bytes_of(book) == before
    assert counts(take_statement(book, trades(trade(1), trade(2, quantity="9")))) == (0, 1, 2)
    # The older statement says what is no longer true: it was taken in before.
    assert counts(take_statement(book, text)) == (0, 0, 3)


def test_overlapping_statements_bring_each_trade_once(book: Path) -> None:
    assert counts(take_statement(book, trades(trade(1), trade(2)))) == (3, 0, 0)
    later = statement(element("Trades", trade(2), trade(3)), toDate="20250228")
    assert counts(take_statement(book, response(later))) == (2, 0, 1)


def test_a_dry_run_of_a_statement_counts_and_writes_nothing(book: Path) -> None:
    take_statement(book, trades(trade(1)))
    before = bytes_of(book)
    done = take_statement(book, trades(trade(1), trade(2), trade(2)), "--dry-run")
    # the statement itself has the key that it had, and the same content
    assert (done.json["dry_run"], *counts(done)) == (True, 1, 0, 3)
    assert bytes_of(book) == before


def test_a_dry_run_remembers_what_earlier_batches_would_have_appended(book: Path) -> None:
    text = trades(trade(1), trade(2), trade(1), trade(2, quantity="2"), trade(3))
    with (
        SQLiteLog.open(book / "log.sqlite") as log,
        written_statement(book, text).open("rb") as file,
    ):
        seen = flex.survey(file, name="s", book=Owner("main", "live"))
        now = datetime(2026, 6, 3, tzinfo=UTC)
        told = []
        for dry_run in (True, False):
            made = flex.batches(file, seen, received_at=now, batch_rows=2)
            told.append(ingest.append_batches(log, made, dry_run=dry_run))
    assert told[0] == told[1] == {"new": 4, "revisions": 1, "duplicates": 1}


def test_a_dry_run_remembers_no_texts(book: Path) -> None:
    def batches() -> Iterator[list[NewEvent]]:
        for first in range(0, 5000, 500):
            yield [made(f"{number:04}" + "x" * 2000) for number in range(first, first + 500)]

    with SQLiteLog.open(book / "log.sqlite") as log:
        tracemalloc.start()
        told = ingest.append_batches(log, batches(), dry_run=True)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert told["new"] == 5000
    # the keys alone are 10 MB
    assert peak_bytes < 8_000_000


def written_statement(book: Path, text: str) -> Path:
    path = book.parent / "statement.xml"
    path.write_text(text, "utf-8")
    return path


def test_an_ingest_that_was_killed_between_two_batches_is_completed_by_the_next(
    book: Path,
) -> None:
    path = written_statement(book, trades(*map(trade, range(25))))
    now = datetime(2026, 6, 3, tzinfo=UTC)
    with SQLiteLog.open(book / "log.sqlite") as log, path.open("rb") as file:
        seen = flex.survey(file, name=str(path), book=Owner("main", "live"))
        log.append(next(flex.batches(file, seen, received_at=now, batch_rows=10)))
    assert counts(take_statement(book, path)) == (16, 0, 10)
    assert counts(take_statement(book, path)) == (0, 0, 26)
    with SQLiteLog.open(book / "log.sqlite") as log:
        assert log.head() == 27


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (trades(trade(1))[:-30], "breaks off"),
        (trades(*map(trade, range(12_000)))[:-30], "breaks off"),
        (trades(trade(1)).encode() + b"\xff", "line 1"),
        ("<!DOCTYPE x [<!ENTITY e 'e'>]>" + trades(trade(1)), "document type"),
        (response(statement(), statement(accountId="DU1234567")), "--mode paper"),
        ("<html><body>Please log in</body></html>", "HTML page"),
        ("<FlexStatementResponse><ErrorCode>1012</ErrorCode></FlexStatementResponse>", "1012"),
        ('<?xml version="1.0"?>\n<other/>', "root 'other'"),
    ],
)
def test_a_statement_that_is_refused_leaves_nothing_in_the_log(
    book: Path, text: str | bytes, said: str
) -> None:
    before = (book / "log.sqlite").read_bytes()
    done = take_statement(book, text)
    assert (done.code, done.json["refused"]) == (2, 1)
    assert said in done.json["files"][0]["refused"]
    assert (book / "log.sqlite").read_bytes() == before
    with SQLiteLog.open(book / "log.sqlite") as log:
        assert log.head() == 0


def test_a_statement_comes_through_a_pipe_too(tmp_path: Path) -> None:
    assert finish(start("init", folder=tmp_path)).code == 0
    for new in (3, 0):
        process = start("ingest", "-", "--no-project", "--json", folder=tmp_path)
        done = finish(process, stdin="\n" + trades(trade(1), trade(2)))
        assert (done.code, done.json["new"], done.json["files"][0]["file"]) == (0, new, "-")


def test_statements_and_pages_of_one_folder_are_each_read_as_what_they_are(
    tmp_path: Path, book: Path
) -> None:
    pages = written(tmp_path / "pages", a=fills_page(), b=trades(trade(1)))
    done = run(book, "ingest", pages, "--no-project", "--json")
    assert done.json["rows"] == {
        "ibkr.flex.statement": 1,
        "ibkr.flex.trade": 1,
        "kalshi.fill": 2,
    }


@needs_shared_data
def test_the_real_statements_twice_are_taken_in_once(book: Path) -> None:
    new, old = (
        run(book, "ingest", SHARED / "ibkr", "--no-project", "--json").json for _ in range(2)
    )
    assert new["new"] > 1900
    assert new["refused"] == old["refused"]
    assert (old["new"], old["revisions"]) == (0, 0)
    assert old["duplicates"] == new["new"] + new["revisions"] + new["duplicates"]
