"""What a settlement pays, and what to think of the revenue that the broker reports."""

from decimal import Decimal

import pytest

from tests.books import BookMaker, Built, dec


def hedge(market: str, yes: str, no: str, result: str, *more: str) -> str:
    """Write a market in which YES cost 0.60 and NO 0.30 apiece."""
    lines = [f"{market} 10:00 yes {yes} @ 0.60 fee 0"] if Decimal(yes) else []
    lines += [f"{market} 10:01 no {no} @ 0.30 fee 0"] if Decimal(no) else []
    return "\n".join([*lines, " ".join([market, "12:00 settles", result, *more])]) + "\n"


# yes, no, result, value; cash at settlement, gross over the life of the market
CASES = {
    "a pure YES winner": ("10", "0", "yes", "10", "4.00"),
    "a pure YES loser": ("10", "0", "no", "0", "-6.00"),
    "a pure NO winner": ("0", "10", "no", "10", "7.00"),
    "a pure NO loser": ("0", "10", "yes", "0", "-3.00"),
    "a balanced hedge, YES wins": ("5", "5", "yes", "0", "0.50"),
    "a balanced hedge, NO wins": ("5", "5", "no", "0", "0.50"),
    "an asymmetric hedge that wins its rest": ("8", "5", "yes", "3", "1.70"),
    "an asymmetric hedge that loses its rest": ("8", "5", "no", "0", "-1.30"),
    "nothing at all": ("0", "0", "yes", None, None),
    "a scalar with cents cut off": ("1.14", "1", "scalar 45", "0.06", "0.076"),
    "a fraction of a contract": ("0.29", "0", "yes", "0.29", "0.116"),
}


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    text = "".join(hedge(f"CASE{n}", *case[:3]) for n, case in enumerate(CASES.values()))
    return shelf.ledger(text + OTHERS)


@pytest.mark.parametrize("name", CASES)
def test_a_settlement_pays_the_net_winners_only(book: Built, name: str) -> None:
    number = list(CASES).index(name)
    *_, cash, _ = CASES[name]
    row = book.one(f"SELECT * FROM settlement WHERE instrument_id = 'CASE{number}'")
    assert row["revenue_computed"] == (None if cash is None else dec(cash))
    if cash is not None:
        assert row["revenue_reported"] == row["revenue_computed"]


@pytest.mark.parametrize("name", CASES)
def test_the_life_of_a_market_earns_pairs_and_revenue_less_cost(book: Built, name: str) -> None:
    number = list(CASES).index(name)
    gross = CASES[name][-1]
    query = f"FROM lot_match WHERE instrument_id = 'CASE{number}'"
    assert book.value(f"SELECT sum(realized_gross) {query}") == (
        None if gross is None else dec(gross)
    )


OTHERS = """
    NETTED   10:00 yes 99 @ 0.53 fee 0
    NETTED   10:01 no 99 @ 0.72 fee 0
    NETTED   12:00 settles no

    MISSING  10:00 yes 10 @ 0.60 fee 0
    MISSING  12:00 settles yes revenue 0.00

    DIFFERS  10:00 yes 10 @ 0.60 fee 0
    DIFFERS  12:00 settles yes revenue 9.00

    LOSER    10:00 yes 10 @ 0.60 fee 0
    LOSER    12:00 settles no

    CUT      10:00 yes 10 @ 0.60 fee 0
    CUT      12:00 settles yes yes 12.00 revenue 12.00

    NOFILLS  12:00 settles yes yes 3.00 revenue 3.00

    LATE     10:00 yes 10 @ 0.60 fee 0
    LATE     12:00 settles yes
    LATE     13:00 yes 5 @ 0.50 fee 0

    ATONCE   12:00 yes 10 @ 0.60 fee 0
    ATONCE   12:00 settles yes

    VOID     10:00 yes 10 @ 0.605 fee 0
    VOID     10:01 no 4 @ 0.30 fee 0
    VOID     12:00 settles void

    VOIDNO   10:00 no 4 @ 0.30 fee 0
    VOIDNO   12:00 settles void

    SCALARNO 10:00 no 3 @ 0.10 fee 0
    SCALARNO 12:00 settles scalar 82

    LASTLOT  10:00 yes 0.05 @ 0.10 fee 0
    LASTLOT  10:01 yes 0.05 @ 0.20 fee 0
    LASTLOT  12:00 settles scalar 45

    TWO      10:00 yes 0.05 @ 0.10 fee 0 sub 0
    TWO      10:01 yes 0.05 @ 0.10 fee 0 sub 1
    TWO      12:00 settles scalar 90
"""


def state(book: Built, market: str) -> tuple[str, str]:
    row = book.one(f"SELECT * FROM settlement WHERE instrument_id = '{market}'")
    return row["fills_state"], row["revenue_state"]


@pytest.mark.parametrize(
    ("market", "expected"),
    [
        ("NETTED", ("complete", "netted")),
        ("MISSING", ("complete", "missing")),
        ("DIFFERS", ("complete", "differs")),
        ("LOSER", ("complete", "agrees")),
        ("CUT", ("incomplete", "agrees")),
        ("NOFILLS", ("none", "agrees")),
        ("ATONCE", ("complete", "agrees")),
    ],
)
def test_revenue_is_neither_trusted_nor_distrusted_blindly(
    book: Built, market: str, expected: tuple[str, str]
) -> None:
    assert state(book, market) == expected


def test_a_net_winner_with_revenue_0_is_booked_with_the_computed_cash(book: Built) -> None:
    paid = "SELECT amount FROM cash_ledger WHERE reference = 'MISSING' AND cause = 'settlement'"
    assert book.value(paid) == 10


def test_a_netted_settlement_pays_nothing_because_its_pairs_were_redeemed(book: Built) -> None:
    causes = book.rows("SELECT cause, amount FROM cash_ledger WHERE instrument_id = 'NETTED'")
    assert {(row["cause"], row["amount"]) for row in causes} == {
        ("fill", dec("-52.47")),
        ("fill", dec("-71.28")),
        ("redemption", dec("99")),
    }


def test_fills_after_the_settlement_begin_a_round_trip_of_their_own(book: Built) -> None:
    rows = book.rows(
        "SELECT quantity, closed_at IS NULL AS open FROM trade WHERE instrument_id = 'LATE'"
    )
    assert rows == [{"quantity": 10, "open": False}, {"quantity": 5, "open": True}]
    assert book.value("SELECT quantity FROM position WHERE instrument_id = 'LATE'") == 5
    assert state(book, "LATE") == ("incomplete", "agrees")


def test_a_fill_at_the_moment_of_the_settlement_comes_before_it(book: Built) -> None:
    assert book.value("SELECT realized_gross FROM lot_match WHERE instrument_id = 'ATONCE'") == 4


@pytest.mark.parametrize(("market", "paid"), [("VOID", "3.63"), ("VOIDNO", "1.20")])
def test_a_void_market_gives_back_what_is_held_at_cost(book: Built, market: str, paid: str) -> None:
    """Six YES at 0.605 are left of VOID, four NO at 0.30 of VOIDNO: neither gain nor loss."""
    row = book.one(
        f"SELECT amount FROM cash_ledger WHERE instrument_id = '{market}' AND cause = 'settlement'"
    )
    assert row["amount"] == dec(paid)
    settled = f"WHERE instrument_id = '{market}' AND close_kind = 'settlement'"
    assert book.value(f"SELECT realized_gross FROM lot_match {settled}") == 0
    assert book.value(f"SELECT payout FROM settlement WHERE instrument_id = '{market}'") is None


def test_a_scalar_pays_the_complement_to_no(book: Built) -> None:
    """Three NO of a market that pays YES 0.82: 3 * 0.18 = 0.54."""
    revenue = "SELECT revenue_computed FROM settlement WHERE instrument_id = 'SCALARNO'"
    assert book.value(revenue) == dec("0.54")


def test_what_the_exchange_cuts_off_is_borne_by_the_last_lot(book: Built) -> None:
    """0.10 * 0.45 = 0.045 pays 0.04: the lost half cent falls on the second lot."""
    rows = book.connection.execute(
        "SELECT rounding, realized_gross FROM lot_match WHERE instrument_id = 'LASTLOT' "
        "ORDER BY opened_at"
    ).fetchall()
    assert rows == [(0, dec("0.0175")), (dec("-0.005"), dec("0.0075"))]


def test_each_subaccount_is_paid_and_cut_for_itself(book: Built) -> None:
    """0.045 is due to each of the two and 0.04 is paid; together they might have had 0.09."""
    rows = book.rows(
        "SELECT amount FROM cash_ledger WHERE reference = 'TWO' AND cause = 'settlement'"
    )
    assert [row["amount"] for row in rows] == [dec("0.04"), dec("0.04")]
    assert state(book, "TWO") == ("complete", "differs")
