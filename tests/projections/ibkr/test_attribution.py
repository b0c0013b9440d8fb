"""Whose an execution of Interactive Brokers is: orderRef is its client_order_id."""

import json
from typing import Final

import pytest

from domain.event import NewEvent
from domain.ibkr import messages
from tests.books import BookMaker, Built, event
from tests.projections.ibkr.test_socket_readers import PAPER, told

PREFIXES: Final = {"scalp-": "scalper"}
APPLE: Final = "265598"


def execution(number: int, **fields: str) -> NewEvent:
    own = {"execId": f"0000e0d5.6a59af0{number}.01.01", "permId": str(number)}
    return told(messages.EXECUTION, **(own | fields))


def recorded(kind: str, **payload: str) -> NewEvent:
    whole = {"instrument": APPLE, "strategy": "opener", "side": "buy", **payload}
    return event(kind, json.dumps(whole), owner=PAPER, venue="ibkr")


@pytest.fixture(scope="module")
def built(shelf: BookMaker) -> Built:
    executions = [
        execution(1, orderRef="scalp-1"),
        execution(2),
        execution(3),
        execution(4, orderRef="ref-4"),
        execution(5, time="20260105 11:00:00 US/Eastern"),
        execution(6, time="20260105 12:00:00 US/Eastern", side="SLD"),
    ]
    told_besides = [
        told(messages.OPEN_ORDER, conId=APPLE, permId="2", orderRef="scalp-2", action="BUY"),
        recorded("bot.order_posted", posted_at="2026-01-05T15:00:00Z", order_id="3"),
        recorded("bot.order_posted", posted_at="2026-01-05T15:00:00Z", client_order_id="ref-4"),
        recorded(
            "bot.decision",
            decision_id="d",
            outcome="posted",
            decided_at="2026-01-05T15:59:00Z",
        ),
    ]
    return shelf.build(executions, told_besides, strategies=PREFIXES)


@pytest.mark.parametrize(
    ("number", "strategy", "rule", "evidence"),
    [
        pytest.param(1, "scalper", "prefix", "fill", id="its own orderRef"),
        pytest.param(2, "scalper", "prefix", "order", id="that of the open order"),
        pytest.param(3, "opener", "recorded", "posted_order", id="posted, by permId"),
        pytest.param(4, "opener", "recorded", "posted_order", id="posted, by orderRef"),
        pytest.param(5, "opener", "decision", "decision", id="decided 60 s before"),
        pytest.param(6, "unattributed", "manual", "none", id="nothing"),
    ],
)
def test_an_execution_is_attributed_by_the_same_evidence(
    built: Built, number: int, strategy: str, rule: str, evidence: str
) -> None:
    row = built.one(f"SELECT * FROM attribution WHERE fill_id = '0000e0d5.6a59af0{number}.01.01'")
    assert (row["strategy"], row["rule"], row["evidence"]) == (strategy, rule, evidence)


def test_the_exit_heuristic_is_of_kalshi_alone(books: BookMaker) -> None:
    events = [
        execution(1, orderRef="scalp-1", side="SLD", price="0.50"),
        execution(2, time="20260105 11:00:00 US/Eastern", price="0.10"),
    ]
    rules = books.build(events, strategies=PREFIXES).rows("SELECT rule FROM attribution")
    assert [row["rule"] for row in rules] == ["manual", "prefix"]
