"""A light for each stream: ok, late, gap, drift or incomplete."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.event import NewEvent, Owner, time_text
from tests.books import NOW, BookMaker, event
from tests.projections.account_events import fetch
from tests.tools.command import BOUGHT
from tools.fake_kalshi.payloads import fill_json
from tools.lights import LATE, LATE_AT_IBKR, as_table, needing_a_look, of_streams
from tools.outcome import screen

HOUR = timedelta(hours=1)


def asked(start: int, end: int, *, stream: str = "fills", **changes: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
    """Return a fetch of a stream, for the hours from start to end, counted from now."""
    return fetch(stream, (NOW + start * HOUR, NOW + end * HOUR), at=NOW + end * HOUR, **changes)


IBKR = Owner("U1234567", "live")
OTHER = Owner("U7654321", "live")
DAY = 24


def at_ibkr(start: int, end: int, stream: str = "executions", **changes: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
    """Return a fetch of a stream of Interactive Brokers, likewise."""
    at = NOW + end * HOUR
    named = {"document": f"ibkr.{stream}/{time_text(at)}", "broker": "ibkr", "owner": IBKR}
    return asked(start, end, stream=stream, **(named | changes))


def lights(
    books: BookMaker, *events: NewEvent, later: timedelta = timedelta()
) -> dict[str, dict[str, Any]]:
    """Return the lights of a book, by stream."""
    built = books.build(events)
    return {one["stream"]: one for one in of_streams(built.connection, NOW + later)}


def snapshot(stream: str = "balance") -> NewEvent:
    """Return a fetch that covers no time."""
    return asked(-1, 0, stream=stream, covered_from=None, covered_until=None)


DRIFTED = event("kalshi.fill", fill_json(BOUGHT, "5")[:-1] + ',"brand_new":1}')
KNOWN = event("kalshi.fill", fill_json(BOUGHT, "5"))


def test_a_book_without_a_fetch_of_the_api_has_no_lights(books: BookMaker) -> None:
    assert lights(books, KNOWN) == {}


def test_a_stream_that_is_complete_and_known_is_ok_with_its_lag_and_shapes(
    books: BookMaker,
) -> None:
    told = lights(books, asked(-5, 0), KNOWN, later=timedelta(minutes=2))["fills"]
    assert (told["light"], told["lag_seconds"]) == ("ok", 120)
    assert (told["shapes"], told["shapes_drifted"], told["gaps"]) == (1, 0, 0)
    assert told["covered_until"].startswith("2026-11-21T12:00:00")
    assert json.dumps(told)


@pytest.mark.parametrize(
    ("later", "light"), [(LATE, "ok"), (LATE + timedelta(seconds=1), "late")], ids=["ok", "late"]
)
def test_a_stream_is_late_after_a_day_and_two_hours(
    books: BookMaker, later: timedelta, light: str
) -> None:
    found = lights(books, asked(-5, 0), snapshot(), later=later)
    assert found["fills"]["light"] == light
    # a snapshot covers no time: it is as old as the fetch that took it
    assert found["balance"]["light"] == light
    assert found["balance"]["covered_until"] is None


def test_a_hole_between_two_stretches_is_a_gap(books: BookMaker) -> None:
    assert lights(books, asked(-9, -5), asked(-4, 0))["fills"]["light"] == "gap"
    assert lights(books, asked(-9, -5), asked(-5, 0))["fills"]["light"] == "ok"


HOLE = [at_ibkr(-20, -12), at_ibkr(-7, 0)]
"""Executions, and nobody asked in the evening before midnight."""


def test_a_hole_in_the_executions_of_the_socket_is_none_once_statements_cover_it(
    books: BookMaker,
) -> None:
    assert lights(books, *HOLE)["executions"]["light"] == "gap"
    filled = lights(books, *HOLE, at_ibkr(-30, -7, "flex"))["executions"]
    assert (filled["light"], filled["gaps"]) == ("ok", 0)


@pytest.mark.parametrize(
    "elsewhere",
    [
        at_ibkr(-30, -8, "flex"),
        at_ibkr(-11, 0, "flex"),
        at_ibkr(-30, 0, "flex", owner=OTHER),
        at_ibkr(-30, 0, "positions"),
    ],
    ids=["begins earlier", "begins later", "another account", "another stream"],
)
def test_what_does_not_cover_all_of_the_hole_leaves_it_open(
    books: BookMaker, elsewhere: NewEvent
) -> None:
    found = of_streams(books.build([*HOLE, elsewhere]).connection, NOW)
    (told,) = [one for one in found if one["stream"] == "executions"]
    assert (told["light"], told["gaps"]) == ("gap", 1)


def test_a_hole_that_statements_have_had_time_to_cover_is_told_by_their_own_light(
    books: BookMaker,
) -> None:
    events = [*HOLE, at_ibkr(-30, -14, "flex"), at_ibkr(-7, 4 * DAY, "positions")]
    built = books.build([*events, at_ibkr(0, 4 * DAY)])
    for hours, light in ((4 * DAY - 7, "gap"), (4 * DAY - 6, "ok")):
        found = of_streams(built.connection, NOW + hours * HOUR)
        told = {one["stream"]: one["light"] for one in found}
        assert (told["executions"], told["flex"]) == (light, "late")


def test_a_hole_in_the_statements_themselves_stays_a_gap(books: BookMaker) -> None:
    events = [at_ibkr(-99, -90, "flex"), at_ibkr(-80, 0, "flex")]
    assert lights(books, *events, later=LATE_AT_IBKR)["flex"]["light"] == "gap"


@pytest.mark.parametrize(
    "stream", ["flex", "flex_confirmations", "executions", "positions", "open_orders", "account"]
)
def test_at_ibkr_a_stream_is_late_after_a_weekend(books: BookMaker, stream: str) -> None:
    built = books.build([at_ibkr(-5, 0, stream)])
    for later, light in ((LATE_AT_IBKR, "ok"), (LATE_AT_IBKR + timedelta(seconds=1), "late")):
        assert [one["light"] for one in of_streams(built.connection, NOW + later)] == [light]


def test_the_end_of_friday_is_not_late_on_tuesday_morning_in_any_week_of_the_year() -> None:
    new_york = ZoneInfo("America/New_York")
    for week in range(53):
        saturday = datetime(2026, 1, 3, tzinfo=new_york) + timedelta(weeks=week)
        tuesday = saturday + timedelta(days=3, hours=6, minutes=40)
        assert tuesday.astimezone(UTC) - saturday.astimezone(UTC) <= LATE_AT_IBKR


@pytest.mark.parametrize(
    ("kind", "lit"),
    [
        ("trade_confirm", {"flex_confirmations"}),
        ("trade", {"flex"}),
        ("statement", {"flex", "flex_confirmations"}),
    ],
)
def test_a_drifted_row_lights_the_stream_of_statements_that_carries_it(
    books: BookMaker, kind: str, lit: set[str]
) -> None:
    odd = event(f"ibkr.flex.{kind}", '{"brand":"new"}', owner=IBKR)
    found = lights(books, at_ibkr(-5, 0, "flex"), at_ibkr(-5, 0, "flex_confirmations"), odd)
    assert {name for name, told in found.items() if told["light"] == "drift"} == lit


def test_the_newest_fetch_decides_whether_it_is_incomplete(books: BookMaker) -> None:
    failed = asked(-1, 0, state="incomplete", reason="made", covered_from=None, covered_until=None)
    assert lights(books, asked(-9, -1), failed)["fills"]["light"] == "incomplete"
    assert lights(books, failed, asked(-9, 1))["fills"]["light"] == "ok"


@pytest.mark.parametrize("stream", ["fills", "orders", "balance"])
def test_a_drifted_shape_lights_the_stream_that_carries_it_and_no_other(
    books: BookMaker, stream: str
) -> None:
    events = [asked(-5, 0), asked(-5, 0, stream="orders"), snapshot(), DRIFTED, KNOWN]
    told = lights(books, *events)[stream]
    assert told["light"] == ("drift" if stream == "fills" else "ok")
    assert told["shapes_drifted"] == int(stream == "fills")


def test_a_stream_that_nobody_knows_has_a_light_all_the_same(books: BookMaker) -> None:
    assert lights(books, asked(-5, 0, stream="made"))["made"]["light"] == "ok"


def test_the_worst_thing_is_what_is_shown(books: BookMaker) -> None:
    gap = [asked(-99, -90), asked(-80, -70)]
    failed = asked(-1, 0, state="incomplete", reason="made", covered_from=None, covered_until=None)
    later = 9 * LATE
    assert lights(books, *gap, later=later)["fills"]["light"] == "gap"
    assert lights(books, *gap, DRIFTED, later=later)["fills"]["light"] == "drift"
    assert lights(books, *gap, DRIFTED, failed, later=later)["fills"]["light"] == "incomplete"


def test_the_table_has_at_most_100_columns_and_every_light(
    books: BookMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    built = books.build(
        [
            asked(-9, -5),
            asked(-4, 0),
            fetch("deposits", (NOW.replace(year=1970), NOW), at=NOW),
            snapshot("subaccount_balances"),
            DRIFTED,
        ]
    )
    screen().print(as_table(of_streams(built.connection, NOW + timedelta(days=3, seconds=5))))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split()[:2] for line in lines if line.startswith(" kalshi")] == [
        ["kalshi.deposits", "late"],
        ["kalshi.fills", "drift"],
        ["kalshi.subaccount_balances", "late"],
    ]
    told = "\n".join(lines)
    assert "the first" in told
    assert "(1 drifted)" in " ".join(told.split())
    assert time_text(NOW)[:10] in told


def test_the_account_is_named_where_a_stream_occurs_for_several(
    books: BookMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [
        at_ibkr(-400, -300, "flex"),
        at_ibkr(-5, 0, "flex", owner=OTHER),
        at_ibkr(-400, -300, "positions"),
        asked(-5, 0),
    ]
    built = books.build([*events, snapshot("subaccount_balances")])
    found = of_streams(built.connection, NOW)
    assert needing_a_look(found) == ["flex of U1234567 late", "positions late"]
    screen().print(as_table(found))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    cells = [line.split()[:3] for line in lines]
    assert ["ibkr.flex", "U1234567", "late"] in cells
    assert ["ibkr.flex", "U7654321", "ok"] in cells
    assert ["ibkr.positions", "late"] in [line[:2] for line in cells]
    screen().print(as_table([one for one in found if one["account"] != OTHER.account]))
    assert "U1234567" not in capsys.readouterr().out
