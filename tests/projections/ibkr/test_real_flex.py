"""Every row of the real statements is read, and money and quantities are those of the files."""

from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.projections.ibkr.flex_rows import FILES, IBKR, Readings, Row, elements, events
from tests.shared_data import needs_shared_data

READ_INTO: Final = {
    "fill": ("trade", "trade_confirm"),
    "option_event": ("option_event",),
    "cash_movement": ("cash_transaction",),
    "corporate_action": ("corporate_action",),
    "position_snapshot": ("open_position",),
    "cash_report": ("cash_report",),
    "fx_rate": ("conversion_rate",),
    "security": ("security_info",),
    "account_profile": ("account_information",),
    "statement": ("statement",),
}


@cache
def read_file(path: Path) -> dict[str, list[Row]]:
    """Return the renditions of a real file by fact."""
    with Readings(events(path)) as found:
        assert found.statuses() == {"known"}
        return {table: found.rows(table) for table in READ_INTO}


@needs_shared_data
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_two_rows_of_a_real_statement_share_a_key_but_those_of_the_account(path: Path) -> None:
    found = [one for one in events(path) if one.kind != "ibkr.flex.account_information"]
    assert len({one.key for one in found}) == len(found)


@needs_shared_data
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_row_of_a_real_statement_is_read(path: Path) -> None:
    wanted = Counter(one.kind.removeprefix("ibkr.flex.") for one in events(path))
    rows = read_file(path)
    problems = [one["problem"] for several in rows.values() for one in several if one["problem"]]
    assert problems == []
    for table, kinds_of in READ_INTO.items():
        assert len(rows[table]) == sum(wanted[name] for name in kinds_of)


@needs_shared_data
def test_the_real_statements_have_as_many_rows_as_were_counted_by_hand() -> None:
    counted: Counter[str] = Counter()
    for path in FILES:
        counted.update(one.kind.removeprefix("ibkr.flex.") for one in events(path))
    assert counted == {
        "trade": 742,
        "trade_confirm": 46,
        "option_event": 5,
        "cash_transaction": 106,
        "corporate_action": 10,
        "open_position": 5,
        "cash_report": 22,
        "conversion_rate": 725,
        "security_info": 43,
        "account_information": 9,
        "statement": 147,
    }


@needs_shared_data
def test_quantities_and_fees_of_real_trades_are_those_of_the_file() -> None:
    for path in FILES:
        listed = [row for _, row in elements(path) if row["_element"] == "Trade"]
        found = [one for one in read_file(path)["fill"] if one["told_by"] == "statement"]
        for theirs, ours in zip(listed, found, strict=True):
            sign = 1 if ours["side"] == "buy" else -1
            assert sign * ours["quantity"] == Decimal(theirs["quantity"])
            cost = Decimal(theirs["ibCommission"]) + Decimal(theirs.get("taxes") or "0")
            assert ours["fee"] == -cost


@needs_shared_data
def test_a_real_correction_adds_up_to_the_truth() -> None:
    path = IBKR / "goforce64_activity_cancel_correct_exercise.xml"
    rows = [one for one in read_file(path)["fill"] if one["instrument_id"] == "893396239"]
    said = [(one["fill_id"], one["booking"], one["side"], one["quantity"]) for one in rows]
    assert said == [
        ("0001938c.6a59af42.01.01", "execution", "buy", 2),
        ("transaction-10651118319", "cancel", "sell", 2),
        ("0001938c.6a59af42.01.02", "execution", "buy", 1),
        ("0001938c.6a59af4e.01.01", "execution", "buy", 1),
    ]
    assert [one["fee"] for one in rows] == [
        Decimal("1.3666"), 0, Decimal("-0.3333"), Decimal("0.3333"),
    ]  # fmt: skip
    assert rows[1]["cancels_trade_id"] == rows[0]["broker_trade_id"] == "1786699376"
    assert {one["statement_order_id"] for one in rows} == {"726326436"}
    assert {one["mode"] for one in rows} == {"paper"}


@needs_shared_data
def test_real_bookings_are_what_the_codes_say() -> None:
    counted: Counter[str] = Counter()
    for path in FILES:
        counted.update(one["booking"] for one in read_file(path)["fill"])
    assert counted == {
        "execution": 772, "cancel": 2, "expiry": 10, "exercise": 2, "assignment": 2,
    }  # fmt: skip


@needs_shared_data
def test_a_real_assignment_is_two_rows_of_one_moment() -> None:
    path = IBKR / "opensteuerauszug_eTax_report_anonymised_2025.xml"
    rows = [one for one in read_file(path)["fill"] if one["booking"] == "assignment"]
    assert sorted(one["asset_class"] for one in rows) == ["OPT", "STK"]
    assert len({one["executed_at"] for one in rows}) == 1
    option, stock = sorted(rows, key=lambda one: str(one["asset_class"]))
    assert (option["price"], option["fee"]) == (0, 0)
    assert stock["price"] == option["strike"]
    assert stock["quantity"] == option["quantity"] * option["multiplier"]


@needs_shared_data
def test_real_cash_ties_to_the_last_place() -> None:
    path = IBKR / "portfolio_performance_IBFlexStatementFile14.xml"
    rows = read_file(path)
    fills, moved = rows["fill"], rows["cash_movement"]
    reports = {one["currency"]: one for one in rows["cash_report"]}
    cash = {name: reports[name]["starting_cash"] for name in ("CHF", "USD")}
    for one in fills:
        cash[one["currency"]] += one["proceeds"]
        cash[one["fee_currency"]] -= one["fee"]
        if one["asset_class"] == "CASH":
            base = str(one["symbol"]).partition(".")[0]
            cash[base] += one["quantity"] * (1 if one["side"] == "buy" else -1)
    for one in moved:
        cash[one["currency"]] += one["amount"] * (1 if one["direction"] == "deposit" else -1)
    assert cash == {name: reports[name]["ending_cash"] for name in cash}
