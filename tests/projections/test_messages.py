"""Fills as the live channel tells them: first to come, and outranked by whatever comes later."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from domain.event import NewEvent
from tests.books import FILL, NOW, BookMaker, Built, dec, event
from tests.made.samples import FILL as TRUTH
from tests.made.samples import ORDER, message_json
from tools.fake_kalshi.payloads import fill_json, order_json

MESSAGE: Final = "kalshi.fill_message"
RULES: Final = {"bot-": "bot"}


def message(**changes: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
    row = json.loads(message_json(TRUTH, "5")) | changes
    return event(MESSAGE, json.dumps({key: it for key, it in row.items() if it is not None}))


def page(generation: str = "5", **changes: Any) -> NewEvent:  # noqa: ANN401 - values of JSON
    row = json.loads(fill_json(TRUTH, generation)) | changes
    return event(FILL, json.dumps({key: it for key, it in row.items() if it is not None}))


def claim(built: Built) -> dict[str, Any]:
    columns = "client_order_id, evidence, evidence_positions, strategy"
    return built.one(f"SELECT {columns} FROM attribution")


@pytest.mark.parametrize("generation", ["4", "5"])
def test_a_message_tells_the_fill_of_its_page_but_for_the_microseconds(
    books: BookMaker, generation: str
) -> None:
    told = books.build([event(MESSAGE, message_json(TRUTH, generation))])
    paged = books.build([page(generation, client_order_id="bot-17")])
    rows = []
    for built in (told, paged):
        row = built.one("fill")
        at = row.pop("executed_at")
        assert at.replace(microsecond=at.microsecond // 1000 * 1000) == datetime(
            2026, 1, 12, 17, 4, 5, 670_000, UTC
        )
        row.pop("client_order_evidence")
        assert row.pop("told_by") == ("message" if built is told else "api")
        rows.append(row)
    assert rows[0] == rows[1]
    assert told.rows("SELECT amount FROM cash_ledger") == paged.rows(
        "SELECT amount FROM cash_ledger"
    )


def test_milliseconds_are_read_exactly(books: BookMaker) -> None:
    built = books.build([message(ts_ms=1768237445007)])
    assert built.value("SELECT executed_at::VARCHAR FROM fill") == "2026-01-12 17:04:05.007+00"


@pytest.mark.parametrize(
    ("ts_ms", "said"),
    [(-1, "-1 milliseconds"), (10**14, f"{10**14} milliseconds")],
)
def test_milliseconds_out_of_the_calendar_are_a_bad_time(
    books: BookMaker, ts_ms: int, said: str
) -> None:
    row = books.build([message(ts_ms=ts_ms)]).one("unreadable")
    assert (row["reason"], row["column_name"], row["offending"]) == (
        "bad_time", "executed_at", said,
    )  # fmt: skip


def test_side_and_action_of_a_message_are_those_of_the_order_and_not_read(
    books: BookMaker,
) -> None:
    """Selling YES acquires NO, and so does buying NO."""
    for side, action in (("yes", "sell"), ("no", "buy")):
        built = books.build([message(side=side, action=action)])
        assert built.one("SELECT side, outcome_side FROM fill") == {
            "side": "sell",
            "outcome_side": "no",
        }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"book_side": "bid"}, "outcome_side no with book_side bid"),
        ({"count_fp": "0.00"}, "quantity 0.00 is not positive"),
        ({"count_fp": "-1.00"}, "quantity -1.00 is not positive"),
        ({"count_fp": "10000000.01"}, "quantity 10000000.01 is beyond measure"),
        ({"yes_price_dollars": "1.01"}, "price 1.01 is not in 0..1"),
    ],
)
def test_a_message_that_cannot_be_true_is_unreadable(
    books: BookMaker, changes: dict[str, object], said: str
) -> None:
    row = books.build([message(**changes)]).one("unreadable")
    assert (row["reason"], row["offending"]) == ("contradiction", said)


def test_a_message_that_names_no_order_of_the_bot_is_no_evidence(books: BookMaker) -> None:
    for silent in (None, ""):
        built = books.build([message(client_order_id=silent)], strategies=RULES)
        assert claim(built)["evidence"] == "none"
        row = built.one("SELECT client_order_evidence, client_order_position FROM fill")
        assert row == {"client_order_evidence": None, "client_order_position": None}


def test_a_fill_that_lost_its_client_order_id_shows_the_message_that_had_it(
    books: BookMaker,
) -> None:
    for events, position in (([message(), page()], 1), ([page(), message()], 2)):
        built = books.build(events, strategies=RULES)
        assert claim(built) == {
            "client_order_id": "bot-17",
            "evidence": "message",
            "evidence_positions": [position],
            "strategy": "bot",
        }
        assert built.value("SELECT position FROM fill") == 3 - position
        assert built.value("SELECT executed_at::VARCHAR FROM fill").endswith(".67042+00")


def test_an_older_page_that_had_the_client_order_id_is_the_evidence(books: BookMaker) -> None:
    older = page("3a", client_order_id="bot-17")
    for events in itertools.permutations([message(), older, page()]):
        found = claim(books.build(events, strategies=RULES))
        assert found["evidence"] == "fill"
        assert found["evidence_positions"] == [events.index(older) + 1]


def test_the_order_outranks_the_message_and_the_fills_own_id_both(books: BookMaker) -> None:
    order = event("kalshi.order", order_json(ORDER, "5"))
    own = page(client_order_id="bot-17")
    assert claim(books.build([order, page(), message()], strategies=RULES))["evidence"] == "order"
    assert claim(books.build([order, own, message()], strategies=RULES))["evidence"] == "fill"


RENDERINGS: Final = (
    message(),
    message(client_order_id=None, ts_ms=1768237445671),
    page("5"),
)


def test_no_order_of_arrival_lets_a_message_win_or_changes_anything(books: BookMaker) -> None:
    contents = []
    for events in itertools.permutations(RENDERINGS):
        built = books.build(events, strategies=RULES)
        contents.append(built.content())
        assert built.value("SELECT executed_at::VARCHAR FROM fill").endswith(".67042+00")
        assert built.one("SELECT client_order_id, client_order_evidence FROM fill") == {
            "client_order_id": "bot-17",
            "client_order_evidence": "message",
        }
    # of two messages the later one counts as newer: what was restated depends on it, nothing else
    for content in contents:
        content.pop("restatement")
    assert all(content == contents[0] for content in contents)


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("generation", ["2", "3b", "5"])
def test_a_page_completes_a_message_and_does_not_change_it(
    books: BookMaker, generation: str, *, late: bool
) -> None:
    events = [page(generation), message()] if late else [message(), page(generation)]
    row = books.build(events).one("SELECT change, columns, cash_difference FROM restatement")
    assert row == {"change": "completed", "columns": "executed_at", "cash_difference": 0}


@pytest.mark.parametrize(
    ("changes", "columns", "cash"),
    [
        ({"fee_cost": "0.180000"}, "fee, executed_at", "-0.01"),
        ({"yes_price_dollars": "0.2500", "no_price_dollars": "0.7500"}, "price, executed_at",
         "0.13"),
        ({"count_fp": "12.00"}, "quantity, executed_at", "0.76"),
        ({"ticker": "OTHER"}, "instrument_id, executed_at", "0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("late", [True, False])
def test_a_page_that_contradicts_a_message_in_money_or_market_changes_it(
    books: BookMaker, changes: dict[str, str], columns: str, cash: str, *, late: bool
) -> None:
    events = [page(**changes), message()] if late else [message(), page(**changes)]
    row = books.build(events).one("SELECT change, columns, cash_difference FROM restatement")
    assert row == {"change": "changed", "columns": columns, "cash_difference": dec(cash)}


def test_a_message_that_another_message_corrects_is_changed(books: BookMaker) -> None:
    row = books.build([message(), message(ts_ms=1768237445671)]).one("restatement")
    assert (row["change"], row["columns"]) == ("changed", "executed_at")


def test_two_pages_that_differ_in_time_are_changed(books: BookMaker) -> None:
    later = replace(TRUTH, at=NOW)
    row = books.build([page(), event(FILL, fill_json(later, "5"))]).one("restatement")
    assert (row["change"], row["columns"]) == ("changed", "executed_at")
