"""`status`: what the book holds, and whether something needs a look."""

from pathlib import Path

import pytest

from tests.tools.command import (
    GROSS,
    MARKET,
    NET,
    edited,
    fills_page,
    run,
    settlements_page,
    small_book,
    written,
)


def test_a_good_book_exits_0_and_shows_its_figures(tmp_path: Path) -> None:
    told = run(small_book(tmp_path), "status", "--json").json
    assert told["verdict"] == "5 events, projection at 5, nothing needs a look"
    assert told["realized"] == [{"currency": "USD", "realized_gross": GROSS, "realized_net": NET}]
    assert (told["events"], told["watermark"], told["stale_because"]) == (5, 5, None)
    assert (told["fills"], told["settlements"], told["open_positions"]) == (2, 1, 0)
    assert told["streams"] == []
    assert told["kinds"] == [
        {"kind": "kalshi.fill", "events": 2, "last_position": 2, "drifted": 0},
        {"kind": "kalshi.settlement", "events": 1, "last_position": 4, "drifted": 0},
        {"kind": "ledger.fetch", "events": 2, "last_position": 5, "drifted": 0},
    ]


def test_an_empty_book_is_good_and_one_that_was_never_projected_is_not(tmp_path: Path) -> None:
    run(tmp_path / "book", "init")
    assert run(tmp_path / "book", "status").code == 0
    pages = written(tmp_path / "pages", fills=fills_page())
    assert run(tmp_path / "book", "ingest", pages, "--no-project").code == 0
    told = run(tmp_path / "book", "status", "--json")
    assert told.code == 1
    assert told.json["verdict"] == (
        "3 events, there is no projection that can be read: run `brokertruth project`"
    )
    assert told.json["watermark"] is None


def test_a_stale_projection_exits_1_and_is_told_with_its_reason(tmp_path: Path) -> None:
    book = small_book(tmp_path)
    run(book, "ingest", written(tmp_path / "new", fills=fills_page(generation="5")), "--no-project")
    told = run(book, "status", "--json")
    assert told.code == 1
    assert told.json["stale_because"] == "it covers 5 of 8 events"
    assert "projection is stale: it covers 5 of 8 events" in told.json["verdict"]
    assert run(book, "project").code == 0
    assert run(book, "status").code == 0


@pytest.mark.parametrize(
    ("text", "figure", "told"),
    [
        (edited(fills_page(), "fills", yes_price_dollars="0.6x"), "unreadable", "unreadable"),
        (edited(fills_page(), "fills", count_fp=None), "unreadable", "unreadable"),
        (edited(fills_page(), "fills", count_fp=None), "drifted_shapes", "drifted shape"),
        (edited(fills_page(), "fills", brand_new=1), "drifted_shapes", "drifted shape"),
        (edited(settlements_page(), "settlements", revenue=0), "missing_revenue", "canary"),
        (edited(settlements_page(), "settlements", revenue=599), "differing_revenue", "canary"),
    ],
    ids=["bad number", "lost key", "lost key drifts", "new key", "revenue 0", "revenue off"],
)
def test_what_needs_a_look_exits_1_and_is_named(
    tmp_path: Path, text: str, figure: str, told: str
) -> None:
    book = small_book(tmp_path)
    run(book, "ingest", written(tmp_path / "odd", page=text))
    done = run(book, "status", "--json")
    assert (done.code, done.json[figure]) == (1, 1)
    assert f"1 {told}" in done.json["verdict"]


def test_a_position_that_is_still_open_is_counted(tmp_path: Path) -> None:
    run(tmp_path / "book", "init")
    run(tmp_path / "book", "ingest", written(tmp_path / "pages", fills=fills_page()))
    told = run(tmp_path / "book", "status", "--json").json
    assert (told["open_positions"], told["settlements"]) == (1, 0)
    held = run(tmp_path / "book", "query", "@positions", "--json").json["rows"]
    assert [row["instrument"] for row in held] == [MARKET]
