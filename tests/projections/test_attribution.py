"""Which strategy a fill belongs to, by which rule, on which evidence."""

import pytest

from tests.books import NOW, BookMaker, Built, Row, dec, event, ledger
from tools.fake_kalshi.payloads import Order, order_json

LEDGER = """
    A 10:00 yes 10 @ 0.40 fee 0 as alpha-1
    A 10:01 no 4 @ 0.50 fee 0 as beta-1
    B 10:00 yes 1 @ 0.40 fee 0 as alpha-long-7
    C 10:00 yes 1 @ 0.40 fee 0 order known
    D 10:00 yes 1 @ 0.40 fee 0
    E 10:00 yes 1 @ 0.40 fee 0 as stranger
    F 10:00 yes 1 @ 0.40 fee 0 as beta-2 order known
"""
RULES = {"alpha": "one", "alpha-long": "two", "beta": "three"}


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    order = Order(
        order_id="known",
        client_order_id="alpha-9",
        ticker="C",
        acquires="yes",
        action="buy",
        status="executed",
        yes_price=dec("0.40"),
        initial=dec("1"),
        filled=dec("1"),
        remaining=dec("0"),
        created_at=NOW,
        updated_at=NOW,
    )
    return shelf.build(
        ledger(LEDGER), [event("kalshi.order", order_json(order, "5"))], strategies=RULES
    )


def claim(book: Built, fill_id: str) -> Row:
    columns = "client_order_id, evidence, evidence_position, rule, strategy"
    return book.one(f"SELECT {columns} FROM attribution WHERE fill_id = '{fill_id}'")


def test_the_fills_own_id_is_the_first_evidence(book: Built) -> None:
    assert claim(book, "f1") == {
        "client_order_id": "alpha-1",
        "evidence": "fill",
        "evidence_position": 1,
        "rule": "alpha",
        "strategy": "one",
    }
    assert claim(book, "f7")["strategy"] == "three"


def test_the_longest_prefix_wins(book: Built) -> None:
    assert (claim(book, "f3")["rule"], claim(book, "f3")["strategy"]) == ("alpha-long", "two")


def test_the_order_gives_the_id_that_the_fill_has_lost(book: Built) -> None:
    assert claim(book, "f4") == {
        "client_order_id": "alpha-9",
        "evidence": "order",
        "evidence_position": 8,
        "rule": "alpha",
        "strategy": "one",
    }


def test_a_fill_that_nothing_explains_is_unattributed_and_never_guessed(book: Built) -> None:
    assert claim(book, "f5") == {
        "client_order_id": None,
        "evidence": "none",
        "evidence_position": None,
        "rule": None,
        "strategy": "unattributed",
    }
    assert claim(book, "f6")["strategy"] == "unattributed"
    assert claim(book, "f6")["evidence"] == "fill"


def test_a_lot_belongs_to_the_strategy_that_opened_it(book: Built) -> None:
    row = book.one("SELECT strategy, close_id, realized_gross FROM lot_match")
    assert row == {"strategy": "one", "close_id": "f2", "realized_gross": dec("0.40")}


def test_strategies_and_the_unattributed_add_up_to_the_account(book: Built) -> None:
    parts = book.rows("SELECT strategy, sum(cost) AS cost FROM open_lot GROUP BY strategy")
    assert {row["strategy"]: row["cost"] for row in parts} == {
        "one": dec("2.80"),
        "three": dec("0.40"),
        "two": dec("0.40"),
        "unattributed": dec("0.80"),
    }
    assert sum(row["cost"] for row in parts) == book.value("SELECT sum(cost) FROM position")
