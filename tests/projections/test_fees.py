"""Where a fill's fee comes from, and which lot bears how much of it."""

from decimal import Decimal

import pytest

from tests.books import BookMaker, Built, dec

LEDGER = """
    STATED   10:00 yes 10 @ 0.62 fee 0.17
    STATED   11:00 settles yes fee 9.99

    SPREAD   10:00 yes 1 @ 0.50
    SPREAD   10:01 yes 2 @ 0.50
    SPREAD   11:00 settles yes fee 0.10

    MIXED    10:00 yes 4 @ 0.50 fee 0.07
    MIXED    10:01 no 2 @ 0.40
    MIXED    10:02 no 1 @ 0.40
    MIXED    11:00 settles yes fee 0.10

    UNSEEN   10:00 yes 3 @ 0.50
    UNSEEN   11:00 settles yes fee 0.09 yes 9.00

    SURPLUS  10:00 yes 4 @ 0.50 fee 0.20
    SURPLUS  10:01 yes 4 @ 0.50
    SURPLUS  11:00 settles yes fee 0.10

    TOOMANY  10:00 yes 4 @ 0.50
    TOOMANY  11:00 settles yes fee 0.10 yes 3.00

    NOBODY   10:00 yes 4 @ 0.50
    NOBODY   11:00 settles yes fee -

    ZERO     10:00 yes 4 @ 0.50
    ZERO     11:00 settles yes fee 0.10 yes 0.00

    OPEN     10:00 yes 4 @ 0.50

    FLIP     10:00 yes 4 @ 0.50 fee 0.04
    FLIP     10:01 no 10 @ 0.50 fee 0.10
    FLIP     10:02 yes 3 @ 0.50 fee 0.01

    THIRDS   10:00 yes 3 @ 0.50 fee 0.01
    THIRDS   10:01 no 1 @ 0.50 fee 0
    THIRDS   10:02 no 1 @ 0.50 fee 0
    THIRDS   10:03 no 1 @ 0.50 fee 0

    HALF     10:00 yes 2 @ 0.50 fee 0.02
    HALF     10:01 no 2 @ 0.40 gen 1

    REBATE   10:00 yes 3 @ 0.50 fee -0.01
    REBATE   10:01 no 1 @ 0.50 fee 0
    REBATE   10:02 no 2 @ 0.50 fee 0
"""


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    return shelf.ledger(LEDGER)


def fees(book: Built, market: str) -> list[tuple[Decimal | None, str]]:
    rows = book.connection.execute(
        "SELECT fee, fee_state FROM fill WHERE instrument_id = ? ORDER BY executed_at", [market]
    )
    return rows.fetchall()


def shares(book: Built, market: str) -> list[Decimal | None]:
    rows = book.connection.execute(
        "SELECT fees FROM lot_match WHERE instrument_id = ? ORDER BY closed_at, opened_at", [market]
    )
    return [fee for (fee,) in rows.fetchall()]


def test_a_fee_that_the_fill_states_is_taken_whatever_the_settlement_says(book: Built) -> None:
    assert fees(book, "STATED") == [(dec("0.17"), "stated")]


def test_the_fee_of_the_settlement_is_spread_by_quantity_and_adds_up_exactly(book: Built) -> None:
    """0.10 over three contracts: a third, cut at a billionth, and the rest."""
    assert fees(book, "SPREAD") == [
        (dec("0.033333333"), "from_settlement"),
        (dec("0.066666667"), "from_settlement"),
    ]


def test_stated_fees_come_off_before_the_rest_is_spread(book: Built) -> None:
    """0.10 - 0.07 = 0.03 over the three contracts that are silent."""
    assert fees(book, "MIXED") == [
        (dec("0.07"), "stated"),
        (dec("0.02"), "from_settlement"),
        (dec("0.01"), "from_settlement"),
    ]


def test_contracts_of_fills_that_nobody_saw_keep_their_part_of_the_fee(book: Built) -> None:
    """Nine contracts cost 0.09; three of them are known and bear 0.03."""
    assert fees(book, "UNSEEN") == [(dec("0.03"), "from_settlement")]


@pytest.mark.parametrize("market", ["SURPLUS", "TOOMANY", "NOBODY", "ZERO", "OPEN"])
def test_a_fee_that_cannot_be_known_is_pending_and_not_zero(book: Built, market: str) -> None:
    """More stated than the settlement says, more contracts than it counts, or no word at all."""
    assert fees(book, market)[-1] == (None, "pending")


def test_a_flip_bears_its_fee_on_what_it_closes_and_on_what_it_opens(book: Built) -> None:
    """Ten NO for 0.10 close four YES (0.04 + 0.04) and open six; three of these close later."""
    assert shares(book, "FLIP") == [dec("0.08"), dec("0.04")]
    assert book.value("SELECT fees FROM open_lot WHERE instrument_id = 'FLIP'") == dec("0.03")


def test_shares_of_a_fee_are_cut_at_a_billionth_and_add_up_exactly(book: Built) -> None:
    assert shares(book, "THIRDS") == [dec("0.003333333"), dec("0.003333333"), dec("0.003333334")]


def test_a_rebate_is_shared_like_a_fee(book: Built) -> None:
    assert shares(book, "REBATE") == [dec("-0.003333333"), dec("-0.006666667")]


def test_one_unknown_fee_makes_the_lot_pending_and_leaves_the_gross_exact(book: Built) -> None:
    row = book.one(
        "SELECT fee_state, fees, realized_net, realized_gross FROM lot_match "
        "WHERE instrument_id = 'HALF'"
    )
    assert row["fee_state"] == "pending"
    assert row["fees"] is None
    assert row["realized_net"] is None
    assert row["realized_gross"] == dec("0.20")


def test_days_keep_lots_with_unknown_fees_in_rows_of_their_own(book: Built) -> None:
    rows = book.rows(
        "SELECT fee_state, lots, fees, realized_gross FROM daily_pnl WHERE family = 'HALF'"
    )
    assert rows == [
        {"fee_state": "pending", "lots": 1, "fees": None, "realized_gross": dec("0.20")}
    ]


def test_known_fees_are_in_cash_once(book: Built) -> None:
    by_cash = book.value("SELECT -sum(amount) FROM cash_ledger WHERE cause = 'fee'")
    assert by_cash == book.value("SELECT sum(fee) FROM fill")
