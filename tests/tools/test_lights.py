"""A light for each stream: ok, late, gap, drift or incomplete."""

import json
from datetime import timedelta
from typing import Any

import pytest

from domain.event import NewEvent, time_text
from tests.books import NOW, BookMaker, event
from tests.projections.account_events import fetch
from tests.tools.command import BOUGHT
from tools.fake_kalshi.payloads import fill_json
from tools.lights import LATE, as_table, of_streams
from tools.outcome import screen

HOUR = timedelta(hours=1)


def asked(start: int, end: int, *, stream: str = "fills", **changes: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
    """Return a fetch of a stream, for the hours from start to end, counted from now."""
    return fetch(stream, (NOW + start * HOUR, NOW + end * HOUR), at=NOW + end * HOUR, **changes)


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
