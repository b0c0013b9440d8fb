"""Executions that the broker takes back, and books anew."""

from typing import Final

import pytest

from tests.books import BookMaker
from tests.projections.ibkr.examples import Book, account, traded
from tests.projections.ibkr.flex_rows import FILES, events
from tests.shared_data import needs_shared_data

TOLD: Final = {
    "Ubust": account(
        traded("f1", "101", "5", "10"),
        traded("f2", "101", "7", "12", fee="1", trade_id="t"),
        traded("c2", "101", "-7", "12", booking="cancel", cancels="t", fee="0.25"),
        traded("f3", "101", "-5", "15", "06 11:00"),
    ),
    "Utwice": account(
        traded("f1", "101", "7", "12", trade_id="t", fee="1"),
        traded("c1", "101", "-7", "12", booking="cancel", cancels="t"),
        traded("f2", "101", "7", "13", trade_id="t", fee="2"),
        traded("c2", "101", "-7", "13", booking="cancel", cancels="t"),
        traded("f3", "101", "7", "14", trade_id="t", fee="3"),
    ),
    "Uunmatched": account(
        traded("f1", "101", "7", "12"),
        traded("c1", "101", "-7", "12", "06 11:00", booking="cancel", cancels="elsewhere"),
    ),
}


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Book:
    return Book(shelf, TOLD)


def test_what_is_taken_back_is_matched_with_its_cancel_and_not_with_older_lots(book: Book) -> None:
    assert book.rows("lot_match", "Ubust", "open_fill_id close_id close_kind realized_net") == [
        ["f1", "f3", "fill", "25"],
        ["f2", "c2", "cancel", "-1.25"],
    ]
    assert book.rows("position", "Ubust", "quantity") == []


def test_a_cancel_costs_the_fees_of_both_rows_and_is_a_cancelled_trade(book: Book) -> None:
    columns = "trade_id cancelled realized_gross fees"
    assert book.rows("trade", "Ubust", columns) == [
        ["f1", "False", "25", "0"],
        ["f2", "True", "0", "1.25"],
    ]


def test_the_second_cancel_takes_back_the_second_booking(book: Book) -> None:
    assert book.rows("lot_match", "Utwice", "open_fill_id close_id fees") == [
        ["f1", "c1", "1"],
        ["f2", "c2", "2"],
    ]
    assert book.one("open_lot", "Utwice", "open_fill_id quantity cost fees") == [
        "f3", "7", "98", "3",
    ]  # fmt: skip


def test_a_cancel_of_nothing_in_the_ledger_counts_like_any_row(book: Book) -> None:
    assert book.one("lot_match", "Uunmatched", "open_fill_id close_id close_kind quantity") == [
        "f1", "c1", "cancel", "7",
    ]  # fmt: skip
    assert book.one("canary", "Uunmatched", "rule subject") == ["cancel_unmatched", "c1"]


@needs_shared_data
def test_the_real_correction_sums_to_two_contracts_and_the_commission_of_two(
    shelf: BookMaker,
) -> None:
    (file,) = (one for one in FILES if "cancel_correct" in one.name)
    built = shelf.build(events(file))
    conid = "893396239"
    position = built.one(f"SELECT quantity, cost FROM position WHERE instrument_id = '{conid}'")
    assert (position["quantity"], position["cost"]) == (2, 146)
    fees = built.value(f"SELECT sum(fee) FROM fill WHERE instrument_id = '{conid}'")
    assert f"{fees:f}" == "1.366600000"
    cancelled = built.one(f"SELECT * FROM lot_match WHERE instrument_id = '{conid}'")
    assert (cancelled["close_kind"], cancelled["realized_gross"]) == ("cancel", 0)
