"""Every effect on cash at IBKR: what was paid, exchanged, marked, charged and moved."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tests.books import dec
from tests.projections.ibkr.tables import AT, Row, Tables


def entries(tables: Tables) -> list[tuple[str, str, str, Decimal]]:
    tables.run("cash_ledger_ibkr")
    tables.check("cash_ledger")
    rows = tables.rows("SELECT reference, cause, currency, amount FROM cash_ledger ORDER BY ALL")
    return [(row["reference"], row["cause"], row["currency"], row["amount"]) for row in rows]


def option(tables: Tables, fill_id: str, side: str, quantity: str, **more: Any) -> None:  # noqa: ANN401
    row = {"instrument_id": "C", "asset_class": "OPT", "price": "0.73", "multiplier": 100}
    tables.add("fill", fill_id=fill_id, side=side, quantity=quantity, **(row | more))


def test_a_security_costs_its_proceeds_as_stated_and_its_fee_stands_apart(tables: Tables) -> None:
    told = {"instrument_id": "S", "quantity": 10, "price": 5, "fee": "1.25"}
    tables.add("fill", fill_id="a", side="buy", proceeds="-50.01", **told)
    tables.add("fill", fill_id="b", side="sell", proceeds="50", **told, fee_currency="EUR")
    assert entries(tables) == [
        ("a", "fee", "USD", dec("-1.25")),
        ("a", "fill", "USD", dec("-50.01")),
        ("b", "fee", "EUR", dec("-1.25")),
        ("b", "fill", "USD", dec("50")),
    ]


def test_where_no_proceeds_are_stated_price_quantity_and_multiplier_are_exact(
    tables: Tables,
) -> None:
    option(tables, "a", "buy", "0.12345678", price="0.123456789", multiplier="62500.125")
    (row,) = entries(tables)
    assert row[3] == -dec("0.12345678") * dec("0.123456789") * dec("62500.125")


def test_a_cancel_and_its_re_booking_are_rows_that_add(tables: Tables) -> None:
    """The real case: 2 at 0.73 for 1.3666, taken back, 1 booked again with 0.3333 given back."""
    option(tables, "x.01", "buy", "2", fee="1.3666")
    option(tables, "cancel", "sell", "2", booking="cancel", fee=0)
    option(tables, "x.02", "buy", "1", fee="-0.3333")
    option(tables, "y", "buy", "1", fee="0.3333")
    told = entries(tables)
    assert sum(row[3] for row in told if row[1] == "fill") == dec("-146")
    assert sum(row[3] for row in told if row[1] == "fee") == dec("-1.3666")
    assert ("cancel", "fee") not in [row[:2] for row in told]


def test_a_future_costs_nothing_and_brings_what_it_made_up_to_the_close(tables: Tables) -> None:
    told: Row = {"asset_class": "FUT", "instrument_id": "F", "side": "buy", "quantity": 1, "fee": 2}
    told |= {"price": 11463, "multiplier": 25}
    tables.add("fill", fill_id="a", net_cash="1285.5", proceeds=-286575, **told)
    tables.add("fill", fill_id="live", **told)
    assert entries(tables) == [
        ("a", "fee", "USD", dec("-2")),
        ("a", "variation", "USD", dec("1287.5")),
        ("live", "fee", "USD", dec("-2")),
    ]


def test_an_exchange_has_two_legs_and_its_fee_a_currency_of_its_own(tables: Tables) -> None:
    told: Row = {"asset_class": "CASH", "instrument_id": "E", "symbol": "EUR.USD", "price": "1.1"}
    told |= {"quantity": "100.5", "net_cash": 0}
    tables.add(
        "fill", fill_id="a", side="buy", proceeds="-110.54", fee="2", fee_currency="CHF", **told
    )
    tables.add("fill", fill_id="b", side="sell", **told)
    assert entries(tables) == [
        ("a", "conversion", "EUR", dec("100.5")),
        ("a", "conversion", "USD", dec("-110.54")),
        ("a", "fee", "CHF", dec("-2")),
        ("b", "conversion", "EUR", dec("-100.5")),
        ("b", "conversion", "USD", dec("110.55")),
    ]


def test_an_exchange_whose_first_currency_nobody_names_has_no_leg_at_all(tables: Tables) -> None:
    tables.add(
        "fill",
        fill_id="a",
        asset_class="CASH",
        instrument_id="E",
        side="buy",
        quantity=1,
        price=1,
        fee=2,
    )
    assert entries(tables) == [("a", "fee", "USD", dec("-2"))]


def test_the_end_of_an_option_at_nothing_makes_no_row(tables: Tables) -> None:
    option(tables, "a", "sell", "2", price=0, proceeds=0, booking="expiry", fee=0)
    assert entries(tables) == []


def test_what_is_not_trading_keeps_its_sort_and_its_sign(tables: Tables) -> None:
    for movement_id, direction, category in (
        ("1", "deposit", "dividend"),
        ("2", "withdrawal", "dividend"),
        ("3", "withdrawal", "withholding_tax"),
        ("4", "deposit", "deposit"),
    ):
        tables.add(
            "merged_cash_movement",
            movement_id=movement_id,
            direction=direction,
            category=category,
            amount="7.5",
        )
    tables.add(
        "merged_corporate_action",
        row_id="m",
        instrument_id="S",
        quantity=-3,
        proceeds="10.622048",
        report_date=date(2025, 3, 11),
    )
    tables.add(
        "merged_corporate_action",
        row_id="split",
        instrument_id="S",
        quantity=3,
        proceeds=0,
        report_date=date(2025, 3, 11),
    )
    tables.add(
        "merged_transfer",
        transfer_id="t",
        transfer_type="INTERNAL",
        direction="in",
        cash="-5",
        moved_at=AT,
    )
    assert entries(tables) == [
        ("1", "dividend", "USD", dec("7.5")),
        ("2", "dividend", "USD", dec("-7.5")),
        ("3", "withholding_tax", "USD", dec("-7.5")),
        ("4", "deposit", "USD", dec("7.5")),
        ("m", "corporate_action", "USD", dec("10.622048")),
        ("t", "transfer", "USD", dec("-5")),
    ]


def test_a_row_belongs_to_the_day_of_its_statement_else_to_that_of_its_session(
    tables: Tables,
) -> None:
    # 19:30 in New York
    late = datetime(2025, 3, 10, 23, 30, tzinfo=UTC)
    told = {"instrument_id": "S", "side": "buy", "quantity": 1, "price": 1, "executed_at": late}
    tables.add("fill", fill_id="a", report_date=date(2025, 3, 12), **told)
    tables.add("fill", fill_id="live", **told)
    tables.add("fill", fill_id="option on a future", **(told | {"asset_class": "FOP"}))
    tables.run("cash_ledger_ibkr")
    rows = tables.rows("SELECT report_date FROM cash_ledger ORDER BY reference")
    days = [row["report_date"].day for row in rows]
    assert days == [12, 10, 11]


def test_cash_of_kalshi_is_none_of_it(tables: Tables) -> None:
    tables.add(
        "merged_cash_movement",
        venue="kalshi",
        movement_id="1",
        direction="deposit",
        category="deposit",
        amount=1,
    )
    tables.add(
        "fill",
        venue="kalshi",
        fill_id="a",
        instrument_id="S",
        side="buy",
        quantity=1,
        price="0.5",
        fee=1,
    )
    assert entries(tables) == []
