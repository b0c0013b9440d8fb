"""Lots first in, first out; a trade is one round trip from flat to flat."""

from decimal import Decimal
from typing import Any

import pytest

from tests.books import BookMaker, Built, dec

LEDGER = """
    FIFO   10:00 yes 3 @ 0.10 fee 0
    FIFO   10:01 yes 3 @ 0.20 fee 0
    FIFO   10:02 no 4 @ 0.50 fee 0

    FLIP   10:00 yes 2 @ 0.40 fee 0
    FLIP   10:01 no 5 @ 0.50 fee 0
    FLIP   10:02 yes 3 @ 0.45 fee 0

    TWICE  10:00 yes 2 @ 0.40 fee 0 as a-1
    TWICE  10:01 no 2 @ 0.50 fee 0 as b-1
    TWICE  10:02 no 2 @ 0.30 fee 0 as b-2
    TWICE  12:00 settles no

    GROW   10:00 yes 2 @ 0.40 fee 0
    GROW   10:01 no 1 @ 0.50 fee 0
    GROW   10:02 yes 4 @ 0.44 fee 0.04

    TIE    10:00 no 1 @ 0.50 fee 0 id b
    TIE    10:00 yes 1 @ 0.40 fee 0 id a

    SUBS   10:00 yes 2 @ 0.40 fee 0 sub 1
    SUBS   10:01 no 2 @ 0.40 fee 0 sub 2

    THIRD  10:00 yes 1 @ 0.10 fee 0
    THIRD  10:01 yes 2 @ 0.20 fee 0

    NIGHT  23:59:59 yes 1 @ 0.40 fee 0
    NIGHT  06-02T00:00:00 no 1 @ 0.50 fee 0

    NO     10:00 no 4 @ 0.30 fee 0
"""


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    return shelf.ledger(LEDGER, strategies={"a": "alpha", "b": "beta"})


def select(book: Built, columns: str, table: str, market: str, order: str) -> list[tuple[Any, ...]]:
    query = f"SELECT {columns} FROM {table} WHERE instrument_id = '{market}' ORDER BY {order}"
    return book.connection.execute(query).fetchall()


def test_the_oldest_lot_is_closed_first(book: Built) -> None:
    rows = select(
        book, "open_fill_id, quantity, open_price, close_price, realized_gross", "lot_match",
        "FIFO", "open_fill_id",
    )  # fmt: skip
    assert rows == [
        ("f1", 3, dec("0.10"), dec("0.50"), dec("1.20")),
        ("f2", 1, dec("0.20"), dec("0.50"), dec("0.30")),
    ]
    assert select(book, "quantity, cost", "open_lot", "FIFO", "1") == [(2, dec("0.40"))]


def test_a_flip_ends_one_round_trip_and_begins_another(book: Built) -> None:
    rows = select(
        book, "trade_id, direction, quantity, realized_gross, closed_at IS NULL", "trade",
        "FLIP", "trade_id",
    )  # fmt: skip
    assert rows == [
        ("f4", "long", 2, dec("0.20"), False),
        ("f5", "short", 3, dec("0.15"), False),
    ]


def test_a_trade_bears_the_strategy_of_its_first_fill(book: Built) -> None:
    rows = select(book, "trade_id, strategy, direction", "trade", "TWICE", "trade_id")
    assert rows == [("f7", "alpha", "long"), ("f9", "beta", "short")]


def test_a_trade_that_grew_and_shrank_is_one_and_open_until_it_is_flat(book: Built) -> None:
    """Fees of the open part stay with the open lots."""
    rows = select(book, "trade_id, quantity, realized_gross, fees, closed_at", "trade", "GROW", "1")
    assert rows == [("f10", 6, dec("0.10"), 0, None)]
    assert select(book, "fees", "open_lot", "GROW", "opened_at") == [(0,), (dec("0.04"),)]


def test_between_equal_times_the_id_decides(book: Built) -> None:
    rows = select(book, "open_fill_id, close_id, direction", "lot_match", "TIE", "1")
    assert rows == [("a", "b", "long")]


def test_subaccounts_do_not_close_each_other(book: Built) -> None:
    assert select(book, "count(*)", "lot_match", "SUBS", "1") == [(0,)]
    rows = select(book, "subaccount, quantity", "position", "SUBS", "1")
    assert rows == [(1, 2), (2, -2)]


def test_the_average_price_is_cut_at_nine_places(book: Built) -> None:
    """(0.10 + 0.20 + 0.20) / 3 = 0.1666666666…"""
    rows = select(book, "quantity, average_price, cost", "position", "THIRD", "1")
    assert rows == [(3, dec("0.166666666"), dec("0.50"))]


def test_a_held_no_is_short_of_yes_and_cost_the_price_of_no(book: Built) -> None:
    rows = select(book, "quantity, average_price, cost", "position", "NO", "1")
    assert rows == [(-4, dec("0.70"), dec("1.20"))]


def test_a_day_is_that_of_closing_in_utc(book: Built) -> None:
    rows = book.rows(
        "SELECT day::VARCHAR AS day, lots, realized_gross FROM daily_pnl WHERE family = 'NIGHT'"
    )
    assert rows == [{"day": "2026-06-02", "lots": 1, "realized_gross": dec("0.10")}]


def test_a_flat_holding_has_no_position(book: Built) -> None:
    held = {row["instrument_id"] for row in book.rows("position")}
    assert held == {"FIFO", "GROW", "SUBS", "THIRD", "NO"}


def test_profit_is_one_number_however_it_is_added_up(book: Built) -> None:
    sums = [
        book.value(f"SELECT sum(realized_gross) FROM {table}")
        for table in ("lot_match", "trade", "daily_pnl")
    ]
    assert sums == [Decimal("3.75")] * 3
