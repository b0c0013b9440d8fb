"""The ledger beside statements: cash, positions and realized P&L, every difference with a name."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.books import dec
from tests.projections.ibkr.tables import AT, Row, Tables

DAY = date(2025, 3, 10)
END = datetime(2025, 3, 11, 4, tzinfo=UTC)


def report(tables: Tables, ending: str, *, currency: str = "USD", **lines: str) -> None:
    days = {"from_date": DAY, "to_date": DAY, "starting_cash": 100, "ending_cash": ending}
    tables.add("merged_cash_report", currency=currency, **days, **lines)


def entry(tables: Tables, amount: str, cause: str, **more: Any) -> None:  # noqa: ANN401
    row = {"subaccount": 0, "at": AT, "reference": "r", "report_date": DAY}
    tables.add("cash_ledger", amount=amount, cause=cause, **(row | more))


def cash(tables: Tables) -> Row:
    tables.run("cash_comparison")
    tables.check("cash_comparison")
    return tables.one("SELECT * FROM cash_comparison")


def test_cash_agrees_to_the_last_place_or_not_at_all(tables: Tables) -> None:
    report(tables, "90.000000001", trade_purchases="-10")
    entry(tables, "-9.999999999", "fill")
    entry(tables, "5", "deposit", report_date=date(2025, 3, 9))
    entry(tables, "5", "deposit", report_date=date(2025, 3, 11))
    entry(tables, "5", "deposit", currency="EUR")
    entry(tables, "5", "deposit", account="U2")
    entry(tables, "5", "deposit", mode="paper")
    row = cash(tables)
    assert (row["state"], row["difference"]) == ("agrees", 0)
    assert row["reason"] == "starting cash and 1 entries are the ending cash"


def test_a_billionth_too_much_is_a_difference(tables: Tables) -> None:
    report(tables, "90", trade_purchases="-10")
    entry(tables, "-9.999999999", "fill")
    row = cash(tables)
    assert (row["state"], row["difference"]) == ("differs", dec("0.000000001"))


def test_the_summary_in_base_currency_is_no_currency(tables: Tables) -> None:
    report(tables, "100", currency="BASE_SUMMARY")
    tables.run("cash_comparison")
    assert tables.rows("SELECT * FROM cash_comparison") == []


def test_the_segment_of_an_account_is_in_its_cash_report(tables: Tables) -> None:
    report(tables, "107")
    entry(tables, "4", "fill")
    entry(tables, "3", "variation", account="U1F")
    entry(tables, "100", "variation", account="U12")
    entry(tables, "100", "variation", account="U1FF")
    assert cash(tables)["state"] == "agrees"


def exchange(tables: Tables, fee: str, fee_currency: str) -> None:
    told = {"asset_class": "CASH", "instrument_id": "E", "symbol": "EUR.USD", "side": "buy"}
    tables.add("fill", fill_id="r", quantity=1, price=1, **told)
    entry(tables, fee, "fee", currency=fee_currency)


def test_a_commission_that_is_debited_in_another_currency_than_stated_has_a_name(
    tables: Tables,
) -> None:
    """Of 129 stated in CHF 18.87 were debited in USD; statements round their lines to 8 places."""
    exchange(tables, "-29.089063528", "CHF")
    report(tables, "89.778722735", currency="CHF", commissions="-10.22127726")
    row = cash(tables)
    assert row["state"] == "fx_commission_currency"
    assert row["difference"] == dec("-18.867786263")
    assert row["fx_commissions"] == row["commissions_entered"] == dec("-29.089063528")
    assert row["reason"].startswith("rows state commissions of -29.089063528 in this currency, the")


def test_the_other_side_of_it_has_the_same_name_and_no_rows(tables: Tables) -> None:
    exchange(tables, "-29.089063528", "CHF")
    report(tables, "78.178703998", commissions="-21.821296002")
    row = cash(tables)
    assert (row["state"], row["fx_commissions"]) == ("fx_commission_currency", 0)


def test_without_an_exchange_a_missing_commission_is_a_missing_row(tables: Tables) -> None:
    report(tables, "98", commissions="-2")
    assert cash(tables)["state"] == "rows_missing"


def test_cash_of_which_a_statement_shows_no_rows_is_named_line_by_line(tables: Tables) -> None:
    report(
        tables, "3206.53", dividends="3654.87", withholding_tax="-548.34", deposits_withdrawals="3"
    )
    entry(tables, "28.5", "withholding_tax")
    entry(tables, "-28.5", "withholding_tax")
    entry(tables, "3", "deposit")
    tables.add("merged_statement", from_date=DAY, to_date=DAY, sections=";CashReport;Trades;")
    row = cash(tables)
    assert row["state"] == "rows_missing"
    assert row["reason"] == (
        "by the statement's own lines: dividends 3654.87 (no rows), withholding_tax -548.34 "
        "(rows: 0); the statement has no section CashTransactions; its lines add up to 3209.53, "
        "not to its ending cash"
    )


def test_a_section_that_another_statement_of_the_days_has_is_not_missing(tables: Tables) -> None:
    report(tables, "110", dividends="10")
    days = {"from_date": DAY, "to_date": DAY}
    tables.add("merged_statement", **days, sections=";CashReport;")
    tables.add("merged_statement", **days, sections=";CashTransactions;", query_name="other")
    assert cash(tables)["reason"] == "by the statement's own lines: dividends 10 (no rows)"


def move(tables: Tables, quantity: str, **more: Any) -> None:  # noqa: ANN401
    signed = Decimal(quantity)
    row = {"instrument_id": "S", "price": 1, "side": "buy" if signed > 0 else "sell"}
    tables.add("fill", quantity=abs(signed), **({"fill_id": quantity} | row | more))


def stated(tables: Tables, quantity: str, **more: Any) -> None:  # noqa: ANN401
    row = {"instrument_id": "S", "as_of": END, "quantity": quantity}
    tables.add("merged_position_snapshot", **(row | more))


def positions(tables: Tables) -> list[tuple[object, ...]]:
    tables.run("quantity_change", "position_list", "position_comparison")
    tables.check("position_comparison")
    rows = tables.rows("SELECT * FROM position_comparison ORDER BY as_of, instrument_id")
    names = ("instrument_id", "stated", "by_rows", "opening", "difference", "state")
    return [tuple(row[name] for name in names) for row in rows]


def test_a_position_is_everything_that_was_reported_up_to_its_day(tables: Tables) -> None:
    stated(tables, "7.5")
    move(tables, "10", report_date=DAY)
    move(tables, "-2", executed_at=datetime(2025, 3, 10, 23, 59, tzinfo=UTC))
    move(tables, "-1", executed_at=END)
    move(tables, "-4", report_date=date(2025, 3, 11))
    move(tables, "99", asset_class="CASH")
    tables.add(
        "merged_corporate_action",
        row_id="c",
        instrument_id="S",
        quantity="-1.5",
        proceeds=0,
        report_date=DAY,
    )
    tables.add(
        "merged_transfer",
        transfer_id="t",
        transfer_type="FOP",
        direction="in",
        instrument_id="S",
        quantity=1,
        moved_at=AT,
    )
    assert positions(tables) == [("S", dec("7.5"), dec("7.5"), 0, 0, "agrees")]


@pytest.mark.parametrize(("before", "state"), [("2", "opening_missing"), ("1", "differs")])
def test_what_was_there_before_the_first_row_is_named(
    tables: Tables, before: str, state: str
) -> None:
    stated(tables, "7")
    move(tables, "5")
    tables.add("opening", instrument_id="S", quantity=before)
    assert positions(tables) == [("S", 7, 5, int(before), int(before) - 2, state)]


def test_what_a_statement_does_not_list_is_held_to_be_nothing(tables: Tables) -> None:
    stated(tables, "5")
    move(tables, "5")
    move(tables, "3", instrument_id="GONE")
    move(tables, "-4", instrument_id="SOLD", fill_id="s1")
    move(tables, "4", instrument_id="SOLD", fill_id="s2")
    days = {"from_date": date(2025, 3, 1), "to_date": date(2025, 3, 15)}
    tables.add("merged_statement", **days, sections=";Trades;OpenPositions;")
    assert positions(tables) == [
        ("GONE", 0, 3, 0, 3, "differs"),
        ("S", 5, 5, 0, 0, "agrees"),
    ]


def test_a_statement_without_that_section_says_nothing_of_it(tables: Tables) -> None:
    move(tables, "3")
    tables.add("merged_statement", from_date=DAY, to_date=DAY, sections=";Trades;")
    assert positions(tables) == []


def test_what_the_socket_says_of_positions_is_not_of_a_statement(tables: Tables) -> None:
    stated(tables, "7", told_by="socket")
    assert positions(tables) == []


def closing(tables: Tables, said: str, **more: Any) -> None:  # noqa: ANN401
    move(tables, "-1", fill_id="c", realized_reported=said, **more)


def lot(tables: Tables, net: str | None, **more: Any) -> None:  # noqa: ANN401
    row = {"instrument_id": "S", "open_fill_id": "o", "close_id": "c", "quantity": 1}
    tables.add("lot_match", realized_gross=net, realized_net=net, **(row | more))


def realized(tables: Tables, fill_id: str = "c") -> Row:
    tables.run("realized_comparison")
    tables.check("realized_comparison")
    return tables.one(f"SELECT * FROM realized_comparison WHERE fill_id = '{fill_id}'")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("10.5", "agrees"),
        ("10.500001", "rounded"),
        ("10.4999995", "rounded"),
        ("10.500002", "differs"),
        ("0", "differs"),
    ],
)
def test_realized_pnl_is_the_sum_of_the_lots_that_a_row_closed(
    tables: Tables, said: str, state: str
) -> None:
    closing(tables, said)
    lot(tables, "4.5")
    lot(tables, "6", open_fill_id="o2")
    lot(tables, "100", close_id="other")
    row = realized(tables)
    assert (row["computed"], row["state"]) == (dec("10.5"), state)
    assert row["difference"] == dec("10.5") - dec(said)


def test_a_row_that_closes_nothing_has_realized_nothing(tables: Tables) -> None:
    closing(tables, "0")
    row = realized(tables)
    assert (row["computed"], row["state"]) == (0, "agrees")


def test_rows_of_which_the_broker_states_nothing_are_left_out(tables: Tables) -> None:
    move(tables, "-1", fill_id="c")
    tables.run("realized_comparison")
    assert tables.rows("SELECT * FROM realized_comparison") == []


def test_both_rows_of_a_pair_that_was_taken_back_say_so(tables: Tables) -> None:
    move(tables, "1", fill_id="o", realized_reported="0")
    closing(tables, "3", booking="cancel")
    lot(tables, "-1", close_kind="cancel")
    row = realized(tables)
    assert (row["computed"], row["state"]) == (-1, "cancelled")


def test_a_future_is_marked_day_by_day(tables: Tables) -> None:
    closing(tables, "0", asset_class="FUT")
    lot(tables, "275")
    assert realized(tables)["state"] == "marked_daily"


@pytest.mark.parametrize(
    ("amount", "description", "state"),
    [
        ("0.01", "ADJUSTMENT: COMMISSION", "commission_adjusted"),
        ("0.02", "ADJUSTMENT: COMMISSION", "differs"),
        ("0.01", "USD CREDIT INT", "differs"),
    ],
)
def test_a_commission_that_was_paid_back_later_explains_a_difference(
    tables: Tables, amount: str, description: str, state: str
) -> None:
    """The real case: an option's P&L is stated 0.01 higher, which was paid weeks after the end."""
    closing(tables, "767.11731")
    lot(tables, "767.1073096")
    tables.add(
        "merged_cash_movement",
        movement_id="m",
        direction="deposit",
        category="deposit",
        amount=amount,
        description=description,
    )
    assert realized(tables)["state"] == state


def test_a_lot_whose_opening_nobody_told_leaves_the_row_without_a_figure(tables: Tables) -> None:
    closing(tables, "5")
    lot(tables, None, basis_state="missing")
    row = realized(tables)
    assert (row["computed"], row["difference"], row["state"]) == (None, None, "opening_missing")


def test_a_fee_that_nobody_stated_leaves_the_row_pending(tables: Tables) -> None:
    closing(tables, "5")
    lot(tables, "4")
    lot(tables, None, open_fill_id="o2", fee_state="pending")
    row = realized(tables)
    assert (row["computed"], row["state"]) == (None, "pending")
