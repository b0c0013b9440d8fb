"""What was held before the ledger's first row."""

from datetime import date
from decimal import Decimal
from typing import Final

import pytest

from tests.books import BookMaker
from tests.oracle.ibkr_lots import Stated
from tests.projections.ibkr.examples import Book, account, traded

STATED: Final = account(
    traded("f1", "101", "5", "10", "07 10:00"),
    traded("f2", "101", "-25", "12", "08 10:00", flag="close"),
)
STATED.statements += [
    Stated(date(2025, 1, 7), {"101": Decimal(25), "102": Decimal(-3)}),
    Stated(date(2025, 1, 8), {"102": Decimal(-3)}),
]
TOLD: Final = {
    "Ustated": STATED,
    "Uclosing": account(
        traded("f1", "101", "-4", "10", flag="close"),
        traded("f2", "101", "1", "9", "06 11:00", flag="open"),
        traded("f3", "101", "-3", "12", "06 12:00", flag="close"),
    ),
    "Uboth": account(
        traded("f1", "101", "-4", "10", flag="close"),
        traded("f2", "101", "8", "9", "06 11:00", flag="close"),
    ),
    "Uunflagged": account(traded("f1", "101", "-4", "10")),
}


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Book:
    return Book(shelf, TOLD)


def test_the_first_statement_with_positions_says_what_was_there(book: Book) -> None:
    assert book.rows("opening", "Ustated", "instrument_id quantity evidence") == [
        ["101", "20", "statement"],
        ["102", "-3", "statement"],
    ]


def test_an_opening_is_closed_first_and_its_result_is_unknown_rather_than_zero(book: Book) -> None:
    columns = "open_fill_id quantity basis_state realized_gross realized_net"
    assert book.rows("lot_match", "Ustated", columns) == [
        ["f1", "5", "known", "10", "10"],
        ["opening-101", "20", "missing", "", ""],
    ]
    assert book.one("position", "Ustated", "instrument_id quantity cost") == ["102", "-3", ""]


def test_what_is_closed_without_having_been_opened_was_there_before(book: Book) -> None:
    assert book.one("opening", "Uclosing", "quantity evidence") == ["6", "closing"]
    assert book.rows("lot_match", "Uclosing", "open_fill_id close_id quantity") == [
        ["f2", "f3", "1"],
        ["opening-101", "f1", "4"],
        ["opening-101", "f3", "2"],
    ]


def test_of_two_closings_that_contradict_each_other_one_counts_always_the_same(book: Book) -> None:
    assert book.one("opening", "Uboth", "quantity") == ["-4"]


def test_a_sale_that_nobody_calls_closing_is_a_short_sale(book: Book) -> None:
    assert book.rows("opening", "Uunflagged", "quantity") == []
    assert book.one("position", "Uunflagged", "quantity cost") == ["-4", "-40"]
