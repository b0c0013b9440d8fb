"""Every effect on cash, with its cause; their sum is the balance to expect."""

import pytest

from tests.books import NOW, BookMaker, Built, Row, dec, event, ledger
from tools.fake_kalshi.payloads import Cash, deposit_json, withdrawal_json

LEDGER = """
    A 10:00 yes 10 @ 0.62 fee 0.17
    A 10:01 no 4 @ 0.35 fee 0.07
    A 10:02 no 9 @ 0.30 fee 0.10
    A 12:00 settles no

    FREE 10:00 yes 1 @ 0.50 fee 0

    SOLD 10:00 yes 132 @ 0.36 fee 2.1289
    SOLD 15:00 no 132 @ 0.08 fee 0.6801
    SOLD 23:00 settles yes
"""


def transfers() -> list[tuple[str, Cash]]:
    return [
        ("kalshi.deposit", Cash("in-1", 37_800, 756, "applied", "debit", NOW, NOW)),
        ("kalshi.deposit", Cash("in-2", 10_000, 0, "pending", "ach", NOW)),
        ("kalshi.deposit", Cash("in-3", 5_000, 0, "failed", "ach", NOW, NOW)),
        ("kalshi.deposit", Cash("in-4", 7_000, 0, "returned", "ach", NOW, NOW)),
        ("kalshi.withdrawal", Cash("out-1", 2_000, 200, "applied", "wire", NOW, NOW)),
        ("kalshi.withdrawal", Cash("out-2", 3_000, 0, "pending", "wire", NOW)),
    ]


@pytest.fixture(scope="module")
def book(shelf: BookMaker) -> Built:
    render = {"kalshi.deposit": deposit_json, "kalshi.withdrawal": withdrawal_json}
    moved = [event(kind, render[kind](cash)) for kind, cash in transfers()]
    return shelf.build(ledger(LEDGER), moved)


def entries(book: Built, market: str) -> list[tuple[object, ...]]:
    rows: list[Row] = book.rows(
        f"SELECT reference, cause, amount FROM cash_ledger WHERE instrument_id = '{market}'"
    )
    return [(row["reference"], row["cause"], row["amount"]) for row in rows]


def test_each_fill_pays_for_the_side_acquired_and_redeems_pairs_at_once(book: Built) -> None:
    """Four NO make four pairs; nine more NO make six pairs and leave three NO, which win."""
    assert entries(book, "A") == [
        ("A", "settlement", dec("3.00")),
        ("f1", "fee", dec("-0.17")),
        ("f1", "fill", dec("-6.20")),
        ("f2", "fee", dec("-0.07")),
        ("f2", "fill", dec("-1.40")),
        ("f2", "redemption", dec("4.00")),
        ("f3", "fee", dec("-0.10")),
        ("f3", "fill", dec("-2.70")),
        ("f3", "redemption", dec("6.00")),
    ]


def test_a_fee_of_nothing_makes_no_row(book: Built) -> None:
    assert entries(book, "FREE") == [("f4", "fill", dec("-0.50"))]


def test_a_position_sold_before_the_end_is_paid_when_sold_and_not_again(book: Built) -> None:
    assert ("f6", "redemption", dec("132")) in entries(book, "SOLD")
    assert all(cause != "settlement" for _, cause, _ in entries(book, "SOLD"))
    total = book.value("SELECT sum(amount) FROM cash_ledger WHERE instrument_id = 'SOLD'")
    assert total == dec("71.1110")


def test_only_applied_transfers_move_cash_and_their_fees_stand_apart(book: Built) -> None:
    rows = book.rows("SELECT reference, cause, amount FROM cash_ledger WHERE instrument_id IS NULL")
    assert [(row["reference"], row["cause"], row["amount"]) for row in rows] == [
        ("in-1", "deposit", dec("378")),
        ("in-1", "transfer_fee", dec("-7.56")),
        ("out-1", "transfer_fee", dec("-2")),
        ("out-1", "withdrawal", dec("-20")),
    ]


def test_trading_cash_is_profit_less_what_is_still_held(book: Built) -> None:
    cash = book.value("SELECT sum(amount) FROM cash_ledger WHERE instrument_id IS NOT NULL")
    realized = book.value("SELECT sum(realized_net) FROM lot_match")
    held = book.value("SELECT sum(cost + fees) FROM open_lot")
    assert cash == realized - held


def test_rows_carry_the_log_position_of_their_cause(book: Built) -> None:
    rows = book.rows("""
        SELECT c.position, f.position AS expected FROM cash_ledger AS c
        JOIN fill AS f ON f.fill_id = c.reference
    """)
    assert rows
    assert all(row["position"] == row["expected"] for row in rows)
    settled = "SELECT position FROM cash_ledger WHERE cause = 'settlement'"
    assert book.value(settled) == book.value(
        "SELECT position FROM settlement WHERE instrument_id = 'A'"
    )
