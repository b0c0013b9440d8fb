"""Every decision has one row: its fills, trade and result, or why there is none."""

import json
from datetime import timedelta
from typing import Final

import pytest

from domain.event import NewEvent, Owner
from tests.books import NOW, BookMaker, Built, Row, dec, event, ledger
from tests.projections.account_events import fetch
from tests.projections.bot_events import decided, left, posted
from tests.projections.ibkr.account_rows import events as rows_of_account
from tests.projections.ibkr.examples import account, at, traded
from tools.fake_kalshi.payloads import Order, order_json

LEDGER: Final = """
    WON   10:00 yes 10 @ 0.40 fee 0.10 order won
    WON   10:05 yes 2 @ 0.40 fee 0 order won
    WON   11:00 no 12 @ 0.40 fee 0 order won-out
    NAMED 10:00 yes 5 @ 0.40 fee 0 order n1 as bot-1
    OPEN  10:00 yes 5 @ 0.40 fee 0 order o1
    MUTE  10:00 yes 5 @ 0.40 order m1
    MUTE  11:00 no 5 @ 0.40 order m2
    NEAR  10:00 yes 5 @ 0.40 fee 0 order near
    LOST  10:00 yes 5 @ 0.40 fee 0 order lost
    TWICE 10:00 yes 5 @ 0.40 fee 0 order twice
"""


def order(order_id: str, status: str, ticker: str, *, client: str = "") -> NewEvent:
    """Return the broker's state of an order of which nothing was filled."""
    resting = status == "resting"
    made = Order(
        order_id=order_id,
        client_order_id=client,
        ticker=ticker,
        acquires="yes",
        action="buy",
        status=status,
        yes_price=dec("0.40"),
        initial=dec("5"),
        filled=dec("0"),
        remaining=dec("5") if resting else dec("0"),
        created_at=NOW,
        updated_at=NOW,
    )
    return event("kalshi.order", order_json(made, "5"))


DECISIONS: Final = (
    decided("won", "WON", "09:59", order_id="won"),
    decided("won-out", "WON", "10:59", order_id="won-out", side="no"),
    decided("named", "NAMED", "09:59", client_order_id="bot-1"),
    decided("open", "OPEN", "09:30"),
    decided("mute", "MUTE", "09:59", order_id="m1"),
    # half a minute before a fill of which no id is known but the order's
    decided("near", "NEAR", "09:59:30"),
    decided("lost", "LOST", "09:59", order_id="lost"),
    decided("twice-1", "TWICE", "09:51", order_id="twice"),
    decided("twice-2", "TWICE", "09:50", order_id="twice"),
    decided("other-market", "NAMED", "09:59", order_id="won"),
    decided("other-side", "OPEN", "09:59", order_id="o1", side="no"),
    decided("working", "REST", "09:59", order_id="rests"),
    decided("working-by-client", "REST", "09:59", client_order_id="mine"),
    decided("ended", "GONE", "09:59", order_id="gone"),
    decided("never", "NEVER", "09:59", order_id="never"),
    decided("nameless", "NEVER", "09:59"),
    decided("shadow", "WON", "09:59", outcome="shadow", order_id="won"),
    decided("skipped", "WON", "09:59", outcome="skipped"),
)
MORE: Final = (
    posted("alpha", "OPEN", "09:31", order="o1", decision="open"),
    order("rests", "resting", "REST"),
    order("rests-too", "resting", "REST", client="mine"),
    order("gone", "canceled", "GONE"),
    left("LOST", "12:00", "TP", last=True),
)
STATES: Final = {
    "won": ("resolved", "order", "win"),
    "won-out": ("resolved", "order", "win"),
    "named": ("open", "client_order_id", None),
    "open": ("open", "posted_order", None),
    "mute": ("result_unknown", "order", "unknown"),
    "near": ("open", "attribution", None),
    "lost": ("result_unknown", "order", "unknown"),
    "twice-1": ("unknown", "none", None),
    "twice-2": ("unknown", "none", None),
    "other-market": ("unknown", "none", None),
    "other-side": ("unknown", "none", None),
    "working": ("working", "none", None),
    "working-by-client": ("working", "none", None),
    "ended": ("not_filled", "none", None),
    "never": ("unknown", "none", None),
    "nameless": ("unknown", "none", None),
    "shadow": ("shadow", "none", None),
    "skipped": ("skipped", "none", None),
}


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    return shelf.build(DECISIONS, ledger(LEDGER), MORE)


def of(built: Built, decision_id: str) -> Row:
    return built.one(f"SELECT * FROM decision_outcome WHERE decision_id = '{decision_id}'")


@pytest.mark.parametrize("decision_id", STATES)
def test_a_decision_has_its_state_and_what_led_there(book: Built, decision_id: str) -> None:
    row = of(book, decision_id)
    assert (row["state"], row["linked_by"], row["result"]) == STATES[decision_id]


def test_decisions_are_all_counted_and_their_states_add_up(book: Built) -> None:
    counts = book.rows("SELECT state, count(*) AS decisions FROM decision_outcome GROUP BY ALL")
    assert sum(row["decisions"] for row in counts) == len(DECISIONS)
    assert {row["state"] for row in counts} == {state for state, _, _ in STATES.values()}


def test_fills_of_a_decision_are_counted_and_known_from_the_last_evidence_on(book: Built) -> None:
    row = of(book, "won")
    assert (row["fills"], row["filled_quantity"], row["trade_id"]) == (2, 12, "f1")
    assert row["known_at_position"] == len(DECISIONS) + 3
    shadow = of(book, "shadow")
    assert (shadow["fills"], shadow["known_at_position"]) == (0, 17)


def test_a_decision_that_only_closes_belongs_to_the_trade_it_closed(book: Built) -> None:
    assert of(book, "won-out")["trade_id"] == "f1"
    assert book.value("SELECT decision_id FROM outcome WHERE trade_id = 'f1'") == "won"


DAY: Final = timedelta(days=1)


@pytest.mark.parametrize(
    ("stream", "start", "end", "state"),
    [
        ("orders", timedelta(), timedelta(minutes=10), "not_seen"),
        # fills alone do not tell of an order that was never filled
        ("fills", -DAY, DAY, "unknown"),
        # an order may still show up
        ("orders", -DAY, timedelta(minutes=9, seconds=59), "unknown"),
        # nobody asked for the time of the decision
        ("orders", timedelta(seconds=1), DAY, "unknown"),
        ("settlements", -DAY, DAY, "unknown"),
    ],
)
def test_that_there_is_no_order_is_known_only_where_the_broker_was_asked(
    books: BookMaker, stream: str, start: timedelta, end: timedelta, state: str
) -> None:
    ten = NOW.replace(month=6, day=1, hour=10)
    told = fetch(stream, (ten + start, ten + end), at=ten + DAY)
    decisions = [decided("d1", "A", "10:00", order_id="x"), decided("d2", "A", "10:00")]
    built = books.build(decisions, ledger("Z 10:00 yes 1 @ 0.40 fee 0"), [told])
    row = of(built, "d1")
    assert row["state"] == state
    assert row["known_at_position"] == (4 if state == "not_seen" else 1)
    # without an id nothing tells whether it became an order
    assert of(built, "d2")["state"] == "unknown"


@pytest.mark.parametrize(
    "known",
    [order("x", "resting", "B"), *ledger("B 10:00 yes 1 @ 0.40 fee 0 order x")],
    ids=["an order", "a fill"],
)
def test_an_order_of_its_id_on_another_market_is_not_nothing(
    books: BookMaker, known: NewEvent
) -> None:
    ten = NOW.replace(month=6, day=1, hour=10)
    asked = fetch("orders", (ten, ten + DAY), at=ten + DAY)
    built = books.build([decided("d1", "A", "10:00", order_id="x")], [known], [asked])
    assert of(built, "d1")["state"] == "unknown"


def test_an_incomplete_answer_is_no_answer(books: BookMaker) -> None:
    told = fetch("orders", None, at=NOW)
    built = books.build([decided("d1", "A", "10:00", order_id="x")], [told])
    assert of(built, "d1")["state"] == "unknown"


def test_late_evidence_resolves_by_replay_and_is_known_from_then_on(books: BookMaker) -> None:
    """S0-1: labels grow with the log, and say from which event on they are known."""
    decisions = [decided(f"d{n}", f"M{n}", "09:59", order_id=f"in-{n}") for n in range(5)]
    fills = "\n".join(
        f"M{n} 10:00 yes 1 @ 0.40 fee 0 order in-{n}\nM{n} 11:00 no 1 @ 0.40 fee 0"
        for n in range(5)
    )
    rows = ledger(fills)
    known = "SELECT max(known_at_position) FROM decision_outcome WHERE state = 'resolved'"
    count = "SELECT count(*) FROM decision_outcome WHERE state = 'resolved'"
    for resolved in (0, 2, 5):
        built = books.build(decisions, rows[: 2 * resolved])
        assert built.value(count) == resolved
        assert built.value(known) == (5 + 2 * resolved if resolved else None)


def test_a_partial_fill_and_then_a_reject_keeps_cost_and_stop(books: BookMaker) -> None:
    """S0-5: two of five were filled, the rest was canceled, and the position is whole."""
    text = "A 10:00 yes 2 @ 0.40 fee 0.02 order part"
    decision = decided("d1", "A", "09:59", order_id="part", quantity="5", stop_price="0.20")
    built = books.build([decision], ledger(text), [order("part", "canceled", "A")])
    assert of(built, "d1")["state"] == "open"
    row = built.one(
        "SELECT d.stop_price, o.filled_quantity, l.cost, l.quantity FROM decision AS d"
        " INNER JOIN decision_outcome AS o USING (decision_id)"
        " INNER JOIN open_lot AS l USING (trade_id)"
    )
    assert row == {
        "stop_price": dec("0.2"), "filled_quantity": 2, "cost": dec("0.8"), "quantity": 2,
    }  # fmt: skip


def test_what_the_broker_took_back_is_no_fill(books: BookMaker) -> None:
    rows = [
        traded("f1", "101", "5", "10", trade_id="7"),
        traded("f2", "101", "-5", "10", booking="cancel", cancels="7"),
    ]
    payload = {
        "decision_id": "d1",
        "strategy": "alpha",
        "instrument": "101",
        "side": "buy",
        "outcome": "posted",
        "decided_at": at("06 10:00").isoformat(),
    }
    owner = Owner("Umade", "live")
    decision = event("bot.decision", json.dumps(payload), owner=owner, venue="ibkr")
    built = books.build([decision], rows_of_account("Umade", account(*rows)))
    assert built.value("SELECT cancelled FROM trade")
    assert built.rows("outcome") == []
    row = of(built, "d1")
    assert (row["state"], row["fills"], row["trade_id"]) == ("not_filled", 0, None)
    assert row["known_at_position"] > 1
