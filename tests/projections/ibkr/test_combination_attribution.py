"""A bot posts a combination as a whole, and what is filled are its legs."""

import json

import pytest

from domain.event import NewEvent
from domain.ibkr import messages
from tests.books import BookMaker, event
from tests.projections.ibkr.test_socket_readers import PAPER, told

WHOLE = "28812380"


def execution(number: int, **fields: str) -> NewEvent:
    own = {"execId": f"0000e0d5.6a59af0{number}.01.01", "permId": "77", "orderRef": "fly-1"}
    return told(messages.EXECUTION, **(own | fields))


def recorded(kind: str, **payload: str) -> NewEvent:
    whole = {"instrument": WHOLE, "strategy": "fly", **payload}
    return event(kind, json.dumps(whole), owner=PAPER, venue="ibkr")


def posted(**payload: str) -> NewEvent:
    return recorded("bot.order_posted", posted_at="2026-01-05T15:00:00Z", **payload)


def decided(**payload: str) -> NewEvent:
    whole = {"decision_id": "d", "outcome": "posted", "decided_at": "2026-01-05T11:00:00Z"}
    return recorded("bot.decision", side="buy", **whole, **payload)


# the combination and two legs, one bought and one sold; then an order of its own for one leg
EXECUTIONS = (
    execution(1, secType="BAG", conId=WHOLE),
    execution(2),
    execution(3, conId="999", side="SLD"),
    execution(4, permId="78", orderRef=""),
)


@pytest.mark.parametrize(
    ("record", "evidence", "decision_id"),
    [
        pytest.param(posted(order_id="77", side="buy"), "posted_order", None, id="posted"),
        pytest.param(posted(client_order_id="fly-1"), "posted_order", None, id="posted, by ref"),
        pytest.param(decided(order_id="77"), "decision", "d", id="decided"),
        pytest.param(decided(client_order_id="fly-1"), "decision", "d", id="decided, by ref"),
    ],
)
def test_what_was_recorded_of_a_combination_explains_its_legs(
    books: BookMaker, record: NewEvent, evidence: str, decision_id: str | None
) -> None:
    built = books.build(EXECUTIONS, [record])
    rows = built.rows("SELECT * FROM attribution ORDER BY fill_id")
    assert [(row["strategy"], row["evidence"], row["decision_id"]) for row in rows] == [
        ("fly", evidence, decision_id),
        ("fly", evidence, decision_id),
        ("unattributed", "none", None),
    ]
    if decision_id is not None:
        assert built.value("SELECT fills FROM decision_outcome") == 2


def test_what_was_recorded_of_another_combination_explains_nothing(books: BookMaker) -> None:
    built = books.build(EXECUTIONS, [posted(order_id="77", instrument="1")])
    rows = built.rows("SELECT strategy FROM attribution")
    assert [row["strategy"] for row in rows] == ["unattributed"] * 3
