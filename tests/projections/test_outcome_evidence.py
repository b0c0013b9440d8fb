"""What labels rest on: from when on they are known, and which word of the bot is whose."""

from typing import Any, Final

import pytest

from domain.event import NewEvent
from tests.books import BookMaker, dec, ledger
from tests.projections.bot_events import decided, left, posted, quoted
from tests.projections.test_decision_outcome import order

OPEN: Final = "A 10:00 yes 10 @ 0.50 fee 0 order o1"
ROUND_TRIP: Final = f"{OPEN}\nA 11:00 no 10 @ 0.40 fee 0 order o2"
# something that has nothing to do with it
BETWEEN: Final = ledger("Z 10:00 yes 1 @ 0.50 fee 0 id z1")


# --- known from the last evidence on -------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "late"),
    [
        ({}, posted("alpha", "A", "09:00", order="o1", decision="d1")),
        ({"client_order_id": "c1"}, posted("alpha", "A", "09:00", order="o1", client="c1")),
        ({"client_order_id": "c1"}, order("o1", "executed", "A", client="c1")),
    ],
    ids=["the order tells the decision", "the order tells the bot's id", "the broker tells it"],
)
def test_a_label_is_known_from_what_led_to_its_decision_on(
    books: BookMaker, decision: dict[str, str], late: NewEvent
) -> None:
    built = books.build(
        [decided("d1", "A", "09:00", **decision)], ledger(ROUND_TRIP), BETWEEN, [late]
    )
    for table in ("outcome", "decision_outcome"):
        row = built.one(f"SELECT decision_id, known_at_position FROM {table}")
        assert row == {"decision_id": "d1", "known_at_position": 5}


def test_a_decision_that_names_the_order_needs_no_later_record(books: BookMaker) -> None:
    late = posted("alpha", "A", "09:00", order="o1", decision="d1")
    decision = decided("d1", "A", "09:00", order_id="o1")
    built = books.build([decision], ledger(ROUND_TRIP), [late])
    assert built.value("SELECT known_at_position FROM decision_outcome") == 3


def test_a_decision_guessed_by_its_time_is_known_with_the_fill_it_was_guessed_for(
    books: BookMaker,
) -> None:
    built = books.build(ledger(ROUND_TRIP), BETWEEN, [decided("d1", "A", "09:59:30")])
    assert built.value("SELECT known_at_position FROM outcome") == 4


def test_a_reason_is_known_from_what_led_to_its_exit_on(books: BookMaker) -> None:
    told = left("A", "15:00", "TP", client_order_id="c2")
    late = posted("alpha", "A", "10:59", order="o2", client="c2")
    row = books.build(ledger(ROUND_TRIP), [told], BETWEEN, [late]).one("outcome")
    assert (row["exit_reason"], row["known_at_position"]) == ("take_profit", 5)


def test_an_estimate_is_known_from_the_quote_on_that_values_it(books: BookMaker) -> None:
    told = left("A", "11:00", "TP", last=True)
    quotes = [quoted("A", "10:30", mid="0.70")]
    row = books.build(ledger(OPEN), [told], BETWEEN, quotes).one("outcome")
    assert (row["quality"], row["known_at_position"]) == ("healed_from_quote", 4)


def test_an_excursion_is_that_of_all_quotes_and_makes_no_label_later(books: BookMaker) -> None:
    row = books.build(ledger(ROUND_TRIP), [quoted("A", "10:30", mid="0.70")]).one("outcome")
    assert (row["mfe"], row["known_at_position"]) == (dec("0.2"), 2)


# --- what only the bot closed --------------------------------------------------------------------


def test_what_is_partly_closed_by_the_broker_is_valued_as_a_whole(books: BookMaker) -> None:
    text = "A 10:00 yes 10 @ 0.50 fee 0\nA 10:30 no 9 @ 0.99 fee 0"
    told = left("A", "11:00", "TP", last=True, price="0.6", quantity="1")
    row = books.build(ledger(text), [told]).one("outcome")
    assert (row["quality"], row["estimated_gross"]) == ("healed_from_partials", dec("0.1"))
    # nine were bought at 0.50 and sold at 0.01
    assert (row["cost"], row["result"], row["return_on_cost"]) == (5, "loss", dec("-0.862"))


def test_an_estimate_takes_the_recorded_middle_before_that_of_bid_and_ask(
    books: BookMaker,
) -> None:
    quotes = [quoted("A", "10:10", mid="0.40"), quoted("A", "10:50", bid="0.80", ask="1.00")]
    row = books.build(ledger(OPEN), quotes, [left("A", "11:00", "TP", last=True)]).one("outcome")
    assert (row["estimated_gross"], row["quotes"]) == (-1, 1)


# --- whose word an exit is -----------------------------------------------------------------------

SETTLED: Final = f"{OPEN}\nA 12:00 settles yes"


@pytest.mark.parametrize(
    ("at", "reason", "said"),
    [
        ("10:30", "settlement", None),
        ("11:58:59", "settlement", None),
        ("11:59:00", "take_profit", "TP"),
        ("12:00:30", "take_profit", "TP"),
    ],
)
def test_where_the_broker_ended_it_later_the_reason_is_the_brokers(
    books: BookMaker, at: str, reason: str, said: str | None
) -> None:
    row = books.build(ledger(SETTLED), [left("A", at, "TP", last=True)]).one("outcome")
    assert (row["exit_reason"], row["exit_reason_told"]) == (reason, said)
    assert row["hit_tp"]


def test_two_exits_of_a_second_are_told_apart_by_their_orders(books: BookMaker) -> None:
    text = f"{OPEN}\nA 11:00 no 5 @ 0.40 fee 0 order o2\nA 11:00 no 5 @ 0.39 fee 0 order o3 as c3"
    exits = [
        left("A", "11:00", "TP1", order_id="o2"),
        left("A", "11:00", "SL", client_order_id="c3"),
        left("A", "11:00", "EOD"),
    ]
    assert len({one.key for one in exits}) == 3
    built = books.build(ledger(text), exits)
    assert [row["exit_id"] for row in built.rows("SELECT exit_id FROM bot_exit ORDER BY 1")] == [
        "-", "c3", "o2",
    ]  # fmt: skip
    row = built.one("SELECT exit_reason_told, hit_tp, len(exit_positions) AS exits FROM outcome")
    assert row == {"exit_reason_told": "TP1", "hit_tp": True, "exits": 3}


TWO: Final = """
    A 10:00 yes 10 @ 0.50 fee 0 order o1
    A 10:01 yes 10 @ 0.50 fee 0 order o2 sub 1
"""


@pytest.mark.parametrize(
    ("at", "decision", "trade"),
    [
        ("10:30", "d1", "f1"),
        ("10:30", "d2", "f2"),
        ("10:30", None, "f1"),
        # before its trade was opened
        ("10:00:30", "d2", "f1"),
    ],
)
def test_of_trades_held_at_the_time_an_exit_is_of_the_one_that_its_decision_opened(
    books: BookMaker, at: str, decision: str | None, trade: str
) -> None:
    decisions = [decided(f"d{n}", "A", "09:00", order_id=f"o{n}") for n in (1, 2)]
    more: dict[str, Any] = {"decision_id": decision}
    built = books.build(decisions, ledger(TWO), [left("A", at, "TP", last=True, **more)])
    assert [row["trade_id"] for row in built.rows("SELECT trade_id FROM outcome")] == [trade]
