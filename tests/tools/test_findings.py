"""`drift` and `unreadable`: what is not understood, and what is unaffected."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.command import (
    BOUGHT,
    MARKET,
    Ran,
    edited,
    fills_page,
    run,
    settlements_page,
    small_book,
    written,
)

OTHER = fills_page([replace(BOUGHT, fill_id="fill-9", order_id="order-9", ticker="KXOTHER-1")])


def book_with(folder: Path, **texts: str) -> Path:
    """Return the small book with more pages in it."""
    book = small_book(folder)
    run(book, "ingest", written(folder / "more", **texts))
    return book


def shape_of(drift: Ran, status: str) -> dict[str, object]:
    """Return the only shape with a status."""
    (shape,) = (shape for shape in drift.json["shapes"] if shape["status"] == status)
    return dict(shape)


def test_shapes_that_are_all_known_exit_0(tmp_path: Path) -> None:
    told = run(small_book(tmp_path), "drift", "--json")
    assert (told.code, told.json["verdict"]) == (0, "4 shapes, all known")
    assert {shape["status"] for shape in told.json["shapes"]} == {"known"}
    assert (told.json["canaries"], told.json["impossible_values"]) == ([], [])


def test_a_new_key_is_an_alert_and_the_event_is_read(tmp_path: Path) -> None:
    book = book_with(tmp_path, page=edited(OTHER, "fills", brand_new=1))
    told = run(book, "drift", "--json")
    assert (told.code, told.json["verdict"]) == (1, "1 drift alert in 5 shapes")
    shape = shape_of(told, "additive")
    assert (shape["keys_added"], shape["reader"], shape["events"]) == ("brand_new:integer", "3a", 1)
    (alert,) = [line for line in run(book, "drift").out.splitlines() if "DRIFT ALERT" in line]
    assert "kalshi.fill" in alert
    assert "new: brand_new:integer" in alert
    assert "read as before" in alert
    assert run(book, "unreadable").code == 0
    assert run(book, "status", "--json").json["fills"] == 3


def test_a_lost_key_is_an_alert_and_the_event_is_kept_unread(tmp_path: Path) -> None:
    book = book_with(tmp_path, page=edited(OTHER, "fills", count_fp=None))
    told = run(book, "drift", "--json")
    assert told.code == 1
    shape = shape_of(told, "unknown")
    assert (shape["keys_missing"], shape["nearest"], shape["reader"]) == ("count_fp", "3a", "")
    assert "not read (unknown_shape)" in run(book, "drift").out
    listed = run(book, "unreadable", "--json")
    assert (listed.code, listed.json["verdict"]) == (1, "1 event unreadable")
    assert listed.json["unreadable"][0]["reason"] == "unknown_shape"
    assert run(book, "status", "--json").json["realized"][0]["realized_net"] == "2.13"


def test_a_net_winner_that_is_paid_nothing_is_an_alert_with_the_computed_revenue(
    tmp_path: Path,
) -> None:
    book = book_with(tmp_path, page=edited(settlements_page(), "settlements", revenue=0))
    told = run(book, "drift", "--json")
    assert told.code == 1
    assert told.json["canaries"] == [
        {
            "rule": "revenue_missing",
            "subject": MARKET,
            "found": "0",
            "expected": "6",
            "detail": "due by the fills",
            "position": 6,
            "venue": "kalshi",
            "account": "main",
            "mode": "live",
        }
    ]
    assert f"DRIFT ALERT revenue_missing {MARKET} at position 6" in run(book, "drift").out


def test_values_that_cannot_be_true_are_alerts_by_kind_and_reason(tmp_path: Path) -> None:
    again = edited(OTHER, "fills", yes_price_dollars="0.7x", fill_id="fill-8", trade_id="fill-8")
    book = book_with(tmp_path, a=edited(OTHER, "fills", yes_price_dollars="0.6x"), b=again)
    told = run(book, "drift", "--json")
    assert (told.code, told.json["verdict"]) == (1, "1 drift alert in 4 shapes")
    assert told.json["impossible_values"] == [
        {
            "kind": "kalshi.fill",
            "reason": "bad_number",
            "column_name": "price",
            "events": 2,
            "first_position": 6,
            "offending": "0.6x",
        }
    ]
    (line,) = [line for line in run(book, "drift").out.splitlines() if "DRIFT ALERT" in line]
    assert "2 events from position 6 on; not read (bad_number in price, such as 0.6x)" in line


def test_both_sides_held_in_full_are_paid_nothing_by_right(tmp_path: Path) -> None:
    hedge = (BOUGHT, replace(BOUGHT, fill_id="fill-2", order_id="order-2", acquired="no"))
    run(tmp_path / "book", "init")
    pages = written(
        tmp_path / "pages", fills=fills_page(hedge), settlements=settlements_page(hedge)
    )
    run(tmp_path / "book", "ingest", pages)
    assert run(tmp_path / "book", "drift").code == 0
    asked = "SELECT revenue_reported, revenue_state FROM settlement"
    rows = run(tmp_path / "book", "query", asked, "--json").json["rows"]
    assert rows == [{"revenue_reported": "0", "revenue_state": "netted"}]


def test_an_unreadable_event_can_be_shown_with_its_payload_as_it_came(tmp_path: Path) -> None:
    text = edited(OTHER, "fills", yes_price_dollars="0.6x [bold]")
    book = book_with(tmp_path, page=text)
    listed = run(book, "unreadable", "--json")
    (row,) = listed.json["unreadable"]
    assert (row["reason"], row["column_name"]) == ("bad_number", "price")
    shown = run(book, "unreadable", str(row["position"]), "--json")
    assert (shown.code, shown.json["unreadable"]) == (1, [row])
    assert shown.json["payload"] in text
    assert json.loads(shown.json["payload"])["yes_price_dollars"] == "0.6x [bold]"
    seen = run(book, "unreadable", str(row["position"]))
    assert shown.json["payload"] in seen.out
    assert seen.verdict == f"event {row['position']} is unreadable: bad_number"


@pytest.mark.parametrize("position", ["1", "6", "999", "0"])
def test_a_position_that_is_not_unreadable_is_wrong_usage(tmp_path: Path, position: str) -> None:
    done = run(small_book(tmp_path), "unreadable", position)
    assert (done.code, done.out) == (2, "")
    assert f"position {position} is not among the unreadable events" in done.err


@pytest.mark.parametrize("verb", ["drift", "unreadable"])
def test_an_answer_from_a_stale_projection_says_so(tmp_path: Path, verb: str) -> None:
    book = small_book(tmp_path)
    run(book, "ingest", written(tmp_path / "odd", page=OTHER), "--no-project")
    done = run(book, verb, "--json")
    assert (done.code, done.json["stale_because"]) == (1, "it covers 5 of 7 events")
    assert done.json["verdict"].endswith(
        " of the first 5 events (stale: it covers 5 of 7 events; run `brokertruth project`)"
    )


def test_a_position_that_a_stale_projection_does_not_cover_is_told_as_such(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    odd = edited(OTHER, "fills", count_fp=None)
    run(book, "ingest", written(tmp_path / "odd", page=odd), "--no-project")
    done = run(book, "unreadable", "6")
    assert done.code == 2
    assert "position 6 is not among the unreadable events of the first 5 events" in done.err
    run(book, "project")
    assert run(book, "unreadable", "6", "--json").json["stale_because"] is None


@pytest.mark.parametrize(
    ("lenient", "code"), [((), 1), (("--lenient",), 0)], ids=["strict", "lenient"]
)
def test_a_rebuild_with_unreadable_events_exits_1_unless_it_is_lenient(
    tmp_path: Path, lenient: tuple[str, ...], code: int
) -> None:
    book = book_with(tmp_path, page=edited(OTHER, "fills", count_fp=None))
    done = run(book, "rebuild", *lenient, "--json")
    assert (done.code, done.json["exit_code"]) == (code, code)
    assert (done.json["unreadable"], done.json["unknown_shapes"]) == (1, 1)
    assert "1 event unreadable" in done.json["verdict"]
