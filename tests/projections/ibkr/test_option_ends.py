"""Options that expire, are exercised or assigned."""

from decimal import Decimal
from typing import Any, Final

import pytest

from tests.books import BookMaker
from tests.oracle.ibkr_lots import Trade
from tests.projections.ibkr.examples import Book, account, acted, traded
from tests.projections.ibkr.flex_rows import FILES, events
from tests.shared_data import needs_shared_data


def option(row_id: str, quantity: str, price: str, *rest: str, **more: Any) -> Trade:  # noqa: ANN401
    given: dict[str, Any] = {
        "strike": "30",
        "underlying": "101",
        "call": True,
        "multiplier": "100",
    } | more
    return traded(row_id, given.pop("conid", "201"), quantity, price, *rest, **given)


END: Final = "07 16:20"
TOLD: Final = {
    "Uexpiry": account(
        option("f1", "2", "1.5", fee="1"), option("f2", "-2", "0", END, booking="expiry")
    ),
    "Uexercise": account(
        option("f1", "1", "2", fee="1"),
        option("f2", "-1", "0", END, booking="exercise", fee="0.5"),
        traded("f3", "101", "100", "30", END, booking="exercise"),
        traded("f4", "101", "-100", "33", "08 10:00"),
    ),
    "Umissing": account(
        option("f2", "-1", "0", END, booking="exercise", flag="close"),
        traded("f3", "101", "100", "30", END, booking="exercise"),
    ),
    "Ustraddle": account(
        option("f1", "1", "2"),
        option("f2", "1", "3", conid="202", call=False),
        option("f3", "-1", "0", END, booking="exercise"),
        traded("f4", "101", "-100", "30", END, booking="exercise"),
        option("f5", "-1", "0", END, booking="exercise", conid="202", call=False),
        traded("f6", "101", "100", "30", END, booking="exercise"),
    ),
    "Umerged": account(
        option("f1", "-1", "2", call=False),
        option("f2", "1", "0", END, booking="assignment", call=False),
        traded("f3", "101", "100", "30", END, booking="assignment"),
        acted("11", "TC", "101", "-100", "08 20:25", proceeds="50"),
        acted("12", "TC", "102", "100", "08 20:25"),
        traded("f4", "102", "-100", "31", "09 10:00"),
    ),
}


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Book:
    return Book(shelf, TOLD)


def test_what_expires_is_worth_nothing(book: Book) -> None:
    columns = "close_kind close_price realized_gross realized_net"
    assert book.one("lot_match", "Uexpiry", columns) == ["expiry", "0", "-300", "-301"]


def test_an_exercised_option_makes_nothing_and_the_stock_bears_premium_and_fees(book: Book) -> None:
    columns = "instrument_id premium realized_gross fees"
    assert book.rows("lot_match", "Uexercise", columns) == [
        ["101", "-200", "100", "1.5"],
        ["201", "200", "0", "0"],
    ]


def test_stock_of_an_option_whose_opening_is_missing_has_no_cost_either(book: Book) -> None:
    columns = "instrument_id basis_state cost"
    assert book.one("open_lot", "Umissing", columns) == ["101", "missing", ""]


def test_a_call_goes_with_what_is_bought_and_a_put_with_what_is_sold(book: Book) -> None:
    assert book.rows("carried_premium", "Ustraddle", "fill_id into_fill_id premium") == [
        ["f3", "f6", "-200"],
        ["f5", "f4", "-300"],
    ]


def test_a_premium_counts_once_although_a_merger_paid_cash_in_between(book: Book) -> None:
    assert book.rows("lot_match", "Umerged", "close_id premium realized_gross") == [
        ["11", "0", "50"],
        ["f2", "-200", "0"],
        ["f4", "200", "300"],
    ]


@needs_shared_data
def test_the_real_assignment_hands_premium_and_fees_to_3400_shares(shelf: BookMaker) -> None:
    (file,) = (one for one in FILES if "eTax" in one.name)
    built = shelf.build(events(file))
    carried = built.one("carried_premium")
    assert (carried["premium"], carried["fees"]) == (8519, Decimal("14.40546"))
    sold = built.rows(f"SELECT * FROM lot_match WHERE close_id = '{carried['into_fill_id']}'")
    assert sum(row["quantity"] for row in sold) == 3400
    assert {row["close_price"] for row in sold} == {290}
    assert sum(row["premium"] for row in sold) == 8519
    option_lots = built.rows(f"SELECT * FROM lot_match WHERE close_id = '{carried['fill_id']}'")
    assert {(row["realized_gross"], row["fees"]) for row in option_lots} == {(0, 0)}
