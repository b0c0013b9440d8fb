"""What came of a trade and of a decision is explained, down to the bytes that say so."""

import pytest

from domain.errors import UsageError
from replay.explain.nodes import Node
from tests.books import BookMaker, dec, ledger
from tests.projections.bot_events import decided, left
from tests.replay.asked import book, named

LEDGER = """
    A 10:00 yes 10 @ 0.40 fee 0.10 order in
    A 11:00 no 10 @ 0.40 fee 0.10 order out
    B 10:00 yes 2 @ 0.50 fee 0
"""
EVENTS = [
    decided("d1", "A", "09:59", order_id="in", stop_price="0.2"),
    decided("d2", "NONE", "09:59", order_id="nowhere"),
    *ledger(LEDGER),
    left("A", "11:00", "HEALED_TP", order_id="out"),
    left("B", "12:00", "SL", last=True),
]


def facts(node: Node) -> dict[str, str]:
    return dict(node.facts)


def test_a_trade_shows_its_outcome_and_the_exits_that_the_bot_told(books: BookMaker) -> None:
    with book(books, *EVENTS) as asked:
        trade = asked.explain("trade:f1")
        outcome = named(trade, "outcome", "outcome: win")
        net = asked.built.value("SELECT realized_net FROM trade WHERE trade_id = 'f1'")
    assert dec(facts(outcome)["realized_net"]) == net == dec("1.8")
    assert facts(outcome)["exit_reason"] == "take_profit"
    assert facts(outcome)["decision_id"] == "d1"
    told = named(outcome, "fact", "exit told at 2026-06-01 11:00:00Z: HEALED_TP")
    assert named(told, "event", "log position 6: bot.exit").children


def test_what_only_the_bot_closed_says_so(books: BookMaker) -> None:
    with book(books, *EVENTS) as asked:
        outcome = named(asked.explain("trade:f3"), "outcome", "outcome: unknown")
    assert outcome.title == "outcome: unknown, executions missing"
    assert facts(outcome)["quality"].startswith("lost: the bot alone")


def test_a_decision_is_explained_by_its_id(books: BookMaker) -> None:
    with book(books, *EVENTS) as asked:
        tree = asked.explain("d1")
        assert tree == asked.explain("decision:d1")
    assert tree.title == "decision d1: buy A"
    assert facts(tree)["state"] == "resolved: its trade has ended"
    assert (facts(tree)["linked_by"], facts(tree)["stop_price"]) == ("order", "0.2")
    assert named(tree, "fill", "filled by fill f1")
    assert named(tree, "outcome", "outcome: win")
    assert tree.children[-1].title.startswith("log position 1: bot.decision")


def test_a_decision_without_a_fill_says_why(books: BookMaker) -> None:
    with book(books, *EVENTS) as asked:
        tree = asked.explain("d2")
        with pytest.raises(UsageError, match="decision id"):
            asked.explain("d3")
    assert facts(tree)["state"].startswith("unknown: nothing tells")
    assert [child.kind for child in tree.children] == ["event"]


def test_the_links_that_are_shown_are_those_that_count(books: BookMaker) -> None:
    ledger_of_two = """
        A 10:00 yes 10 @ 0.50 fee 0 order o1 as again
        A 10:05 yes 5 @ 0.50 fee 0 order o2 as again
        A 11:00 no 15 @ 0.40 fee 0 order o3
    """
    events = [
        decided("e1", "A", "09:59", order_id="o1", client_order_id="again"),
        decided("e2", "A", "10:04", order_id="o2", client_order_id="again"),
        *ledger(ledger_of_two),
        # told late, of an order that closed it; and one that came before its trade
        left("A", "15:00", "TP", order_id="o3"),
        left("A", "09:00", "SL"),
    ]
    with book(books, *events) as asked:
        one, trade = asked.explain("e1"), asked.explain("trade:f1")
    assert [node.title for node in one.children if node.kind == "fill"] == [
        named(one, "fill", "filled by fill f1").title
    ]
    told = [node.title for node in named(trade, "outcome", "outcome").children]
    assert told == ["exit told at 2026-06-01 15:00:00Z: TP"]
