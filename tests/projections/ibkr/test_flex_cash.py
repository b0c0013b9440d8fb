"""Cash, actions, transfers and positions of Flex statements, with the sign that they have."""

from datetime import date
from decimal import Decimal
from typing import Final

from tests.projections.ibkr.flex_made import (
    Changes,
    contradictions,
    problems,
    told,
    told_each,
    utc,
)
from tests.projections.ibkr.flex_rows import AS_OF, Readings, row

CATEGORIES: Final = {
    ("Deposits/Withdrawals", "5"): "deposit",
    ("Deposits & Withdrawals", "-5"): "withdrawal",
    ("Dividends", "5"): "dividend",
    ("Dividends", "-5"): "dividend",
    ("Payment In Lieu Of Dividends", "5"): "payment_in_lieu",
    ("Withholding Tax", "-5"): "withholding_tax",
    ("871(m) Withholding", "-5"): "withholding_tax",
    ("Broker Interest Paid", "-5"): "interest",
    ("Broker Interest Received", "5"): "interest",
    ("Bond Interest Paid", "-5"): "bond_interest",
    ("Bond Interest Received", "5"): "bond_interest",
    ("Other Fees", "-5"): "other_fee",
    ("Commission Adjustments", "5"): "commission_adjustment",
    ("Advisor Fees", "-5"): "advisor_fee",
    ("Other Income", "5"): "other_income",
}


def test_cash_has_a_category_by_type_and_a_direction_by_sign() -> None:
    found = told_each("cash_transaction", [{"type": a, "amount": b} for a, b in CATEGORIES])
    assert dict(zip(CATEGORIES, [one["category"] for one in found], strict=True)) == CATEGORIES
    for one, (_, amount) in zip(found, CATEGORIES, strict=True):
        assert one["direction"] == ("withdrawal" if amount.startswith("-") else "deposit")
        assert (one["amount"], one["fee"], one["status"], one["method"]) == (5, 0, "applied", None)


def test_a_movement_of_cash_is_read_in_full() -> None:
    only = told("cash_transaction")
    assert only["movement_id"] == "55"
    assert only["amount"] == Decimal("1143.28")
    assert (only["instrument_id"], only["action_id"]) == ("8", "9")
    assert only["created_at"] == utc(2025, 3, 28, 0, 20)
    assert only["report_date"] == date(2025, 3, 27)


ODD_CASH: Final[list[tuple[Changes, tuple[str | None, ...]]]] = [
    ({"type": "Lottery"}, ("bad_value", "category", "type Lottery")),
    ({"type": "dividend"}, ("bad_value", "category", "type dividend")),
    ({"type": ""}, ("bad_value", "category", "type ")),
    ({"amount": "some"}, ("bad_number", "amount", "some")),
    ({"levelOfDetail": "SUMMARY"}, ("contradiction", None, "level of detail SUMMARY is not read")),
    ({"dateTime": "20250115;093000 CET"}, ("bad_time", "created_at", "20250115;093000 CET")),
    ({"dateTime": "", "reportDate": "", "settleDate": ""}, ("missing_value", "created_at", None)),
]


def test_cash_of_a_sort_that_nobody_knows_is_unreadable() -> None:
    found = problems("cash_transaction", [changes for changes, _ in ODD_CASH])
    assert found == [expected for _, expected in ODD_CASH]


def test_cash_without_its_time_moved_at_the_midnight_of_its_day() -> None:
    found = told_each("cash_transaction", [{"dateTime": ""}, {"dateTime": "", "reportDate": ""}])
    assert [one["created_at"] for one in found] == [utc(2025, 3, 27, 4)] * 2


def test_a_split_gives_what_it_added() -> None:
    only, nameless = told_each("corporate_action", [{}, {"transactionID": ""}])
    assert (only["row_id"], only["action_id"], only["action_type"]) == ("345", "157", "FS")
    assert (only["quantity"], only["proceeds"]) == (Decimal("3.114"), 0)
    assert only["happened_at"] == utc(2025, 8, 19, 0, 25)
    assert only["report_date"] == date(2025, 8, 20)
    assert nameless["row_id"].startswith("content-")
    assert contradictions("corporate_action", [{"levelOfDetail": "SUMMARY"}]) == [
        "level of detail SUMMARY is not read"
    ]


def test_what_goes_out_is_negative_however_it_is_written() -> None:
    found = told_each(
        "transfer",
        [
            {},
            {"direction": "OUT"},
            {"direction": "OUT", "quantity": "-10", "cashTransfer": "7.5"},
            {"direction": "OUT", "quantity": "0", "cashTransfer": "-7.5"},
        ],
    )
    assert [(one["quantity"], one["cash"]) for one in found] == [
        (10, 0),
        (-10, 0),
        (-10, Decimal("-7.5")),
        (0, Decimal("-7.5")),
    ]
    assert {one["price"] for one in found} == {None}
    assert {one["moved_at"] for one in found} == {utc(2025, 8, 18, 4)}


ODD_TRANSFERS: Final[list[tuple[Changes, tuple[str | None, ...]]]] = [
    ({"quantity": "-10"}, ("contradiction", None, "direction IN with quantity -10")),
    ({"cashTransfer": "-1"}, ("contradiction", None, "direction IN with cash -1")),
    ({"levelOfDetail": "LOT"}, ("contradiction", None, "level of detail LOT is not read")),
    ({"direction": "AWAY"}, ("bad_value", "direction", "AWAY")),
    ({"quantity": "x"}, ("bad_number", "quantity", "x")),
]


def test_a_transfer_that_goes_neither_way_is_unreadable() -> None:
    found = problems("transfer", [changes for changes, _ in ODD_TRANSFERS])
    assert found == [expected for _, expected in ODD_TRANSFERS]


def test_a_position_is_of_the_moment_of_its_envelope() -> None:
    position = row(
        "ibkr.flex.open_position", conid="8", currency="USD", position="-100", side="Short",
        markPrice="3.5", positionValue="-350", costBasisMoney="-300", costBasisPrice="3",
        fifoPnlUnrealized="-50", levelOfDetail="SUMMARY", assetCategory="STK", multiplier="1",
    )  # fmt: skip
    with Readings([position]) as found:
        only = found.one("position_snapshot")
    assert only["problem"] is None
    assert (only["as_of"], only["told_by"], only["subaccount"]) == (AS_OF, "statement", 0)
    assert (only["quantity"], only["average_price"]) == (-100, 3)
    assert (only["exposure"], only["market_value"], only["unrealized_pnl"]) == (-300, -350, -50)


def test_a_statement_without_a_query_is_still_one() -> None:
    days = {
        "fromDate": "20250101",
        "toDate": "20251231",
        "whenGenerated": "2026-02-21;13:31:36 EST",
    }
    with Readings([row("ibkr.flex.statement", **days, sections=";Trades;")]) as found:
        only = found.one("statement")
    assert only["problem"] is None
    assert (only["from_date"], only["to_date"]) == (date(2025, 1, 1), date(2025, 12, 31))
    assert only["generated_at"] == utc(2026, 2, 21, 18, 31, 36)
    assert (only["query_name"], only["sections"]) == ("-", ";Trades;")
