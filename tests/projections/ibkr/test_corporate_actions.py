"""What splits and mergers do to lots."""

from typing import Final

import pytest

from tests.books import BookMaker
from tests.projections.ibkr.examples import Book, account, acted, traded

TOLD: Final = {
    "Usplit": account(
        traded("f1", "101", "1.038", "120", fee="0.000000001"),
        acted("11", "FS", "101", "3.114"),
        traded("f2", "101", "-4", "40", "08 10:00"),
    ),
    "Ushort": account(
        traded("f1", "101", "-10", "20"),
        acted("11", "FS", "101", "-30"),
        traded("f2", "101", "40", "4", "08 10:00"),
    ),
    "Utwice": account(
        traded("f1", "101", "1", "9"),
        traded("f2", "101", "1", "18"),
        acted("9", "FS", "101", "2", action_id="first"),
        acted("10", "IC", "101", "-4"),
        acted("11", "IC", "103", "4"),
        traded("f3", "103", "-1", "10", "08 10:00"),
    ),
    "Ureverse": account(
        traded("f1", "101", "100", "2", fee="1"),
        acted("11", "IC", "103", "10"),
        acted("12", "IC", "101", "-100"),
        traded("f2", "103", "-10", "25", "08 10:00", fee="1"),
    ),
    "Usame": account(
        traded("f1", "101", "100", "2", fee="1"),
        acted("11", "IC", "101", "10"),
        acted("12", "IC", "101", "-100"),
        traded("f2", "101", "-10", "25", "08 10:00", fee="1"),
    ),
    "Ucash": account(
        traded("f1", "101", "1", "30"),
        traded("f2", "101", "3", "20"),
        acted("11", "TC", "101", "-4", proceeds="10"),
        acted("12", "TC", "102", "8"),
    ),
    "Ucashbeside": account(
        traded("f1", "101", "4", "20"),
        acted("11", "TC", "101", "-4"),
        acted("12", "TC", "102", "8", proceeds="10"),
    ),
    "Ubuyout": account(
        traded("f1", "101", "4", "20", fee="2"), acted("11", "TC", "101", "-4", proceeds="100")
    ),
    "Ugift": account(acted("11", "SO", "102", "8"), traded("f1", "102", "-8", "3", "08 10:00")),
    "Ucovered": account(
        traded("f1", "101", "4", "20", fee="2"),
        traded("f2", "102", "-9", "3", fee="1"),
        acted("11", "TC", "101", "-4"),
        acted("12", "TC", "102", "8"),
    ),
    "Udust": account(
        traded("f1", "101", "10", "20"),
        traded("f2", "101", "0.00000001", "20", "06 11:00", fee="2"),
        acted("11", "RS", "101", "-9.00000001"),
    ),
    "Uacross": account(
        traded("f1", "101", "10", "12"),
        traded("f2", "101", "5", "12", trade_id="t"),
        acted("11", "FS", "101", "30"),
        traded("c2", "101", "-5", "12", "08 10:00", booking="cancel", cancels="t"),
    ),
    "Uturned": account(
        traded("f1", "101", "10", "12"),
        acted("11", "TC", "101", "-10"),
        acted("12", "TC", "102", "-5"),
    ),
}


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Book:
    return Book(shelf, TOLD)


def test_a_split_leaves_cost_and_fees_and_changes_the_quantity_alone(book: Book) -> None:
    columns = "open_fill_id quantity open_price trade_id close_kind"
    assert book.rows("lot_match", "Usplit", columns) == [["f1", "4", "30", "f1", "fill"]]
    assert book.one("open_lot", "Usplit", "quantity cost trade_id") == ["0.152", "4.56", "f1"]


def test_a_split_of_a_short_position_owes_more_of_it(book: Book) -> None:
    columns = "direction quantity open_price realized_gross"
    assert book.one("lot_match", "Ushort", columns) == ["short", "40", "5", "40"]


def test_two_actions_of_one_second_come_in_the_order_of_their_numbers(book: Book) -> None:
    assert book.rows("open_lot", "Utwice", "open_fill_id quantity") == [
        ["f1", "1"],
        ["f2", "2"],
    ]


def test_a_reverse_split_goes_on_under_another_conid_and_in_the_same_trade(book: Book) -> None:
    columns = "instrument_id trade_id quantity open_price realized_net"
    assert book.one("lot_match", "Ureverse", columns) == ["103", "f1", "10", "20", "48"]
    assert book.one("trade", "Ureverse", "trade_id quantity realized_net") == ["f1", "10", "48"]


def test_a_reverse_split_that_keeps_its_conid_is_one_too_whichever_row_is_first(book: Book) -> None:
    columns = "instrument_id trade_id quantity open_price realized_net"
    assert book.one("lot_match", "Usame", columns) == ["101", "f1", "10", "20", "48"]


def test_cash_of_a_merger_is_a_result_of_its_own_and_the_cost_goes_on(book: Book) -> None:
    columns = "open_fill_id close_kind quantity realized_gross"
    assert book.rows("lot_match", "Ucash", columns) == [
        ["f1", "corporate_action", "1", "2.5"],
        ["f2", "corporate_action", "3", "7.5"],
    ]
    assert book.rows("open_lot", "Ucash", "instrument_id open_fill_id quantity cost") == [
        ["102", "f1", "2", "30"],
        ["102", "f2", "6", "60"],
    ]


def test_cash_counts_on_whichever_row_of_the_merger_it_stands(book: Book) -> None:
    assert book.one("lot_match", "Ucashbeside", "close_id realized_gross") == ["11", "10"]


def test_what_only_goes_is_sold_for_its_proceeds(book: Book) -> None:
    assert book.one("lot_match", "Ubuyout", "close_kind realized_gross realized_net") == [
        "corporate_action", "20", "18",
    ]  # fmt: skip


def test_what_only_comes_has_a_cost_that_nobody_told(book: Book) -> None:
    assert book.one("lot_match", "Ugift", "open_fill_id basis_state realized_gross") == [
        "11", "missing", "",
    ]  # fmt: skip


def test_a_merger_that_only_closes_a_short_position_makes_results_missing(book: Book) -> None:
    assert book.rows("lot_match", "Ucovered", "open_fill_id close_id basis_state fees") == [
        ["f1", "11", "missing", "2"],
        ["f2", "12", "missing", "0.888888888"],
    ]


def test_a_lot_of_which_a_split_leaves_nothing_ends_there_with_its_fee(book: Book) -> None:
    assert book.one("lot_match", "Udust", "open_fill_id close_id fees") == ["f2", "11", "2"]


def test_an_execution_that_is_taken_back_later_was_not_held_when_a_split_came(book: Book) -> None:
    assert book.one("open_lot", "Uacross", "open_fill_id quantity cost") == ["f1", "40", "120"]


def test_a_long_position_does_not_turn_into_a_short_one(book: Book) -> None:
    assert book.rows("lot_match", "Uturned", "open_fill_id basis_state") == [
        ["f1", "missing"],
        ["opening-102", "missing"],
    ]
