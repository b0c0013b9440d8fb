"""Realized P&L in base currency: the broker's own rate, and where it stands."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.books import dec
from tests.projections.ibkr.tables import Row, Tables

PLACES = Decimal("1e-20")
LATE = datetime(2025, 3, 11, 2, tzinfo=UTC)


def lot(tables: Tables, currency: str = "USD", **more: Any) -> None:  # noqa: ANN401
    row = {"open_fill_id": "o", "close_id": "c", "quantity": 1, "instrument_id": "S"}
    row |= {"realized_gross": "10.01", "realized_net": "-2.5", "closed_at": LATE}
    tables.add("lot_match", currency=currency, **(row | more))


def closing(tables: Tables, rate: str, currency: str = "USD", fill_id: str = "c") -> None:
    told = {"instrument_id": "S", "side": "sell", "quantity": 1, "price": 1, "position": 77}
    tables.add("fill", fill_id=fill_id, currency=currency, rate_to_base=rate, **told)


def daily(tables: Tables, day: int, rate: str, to: str = "CHF", source: str = "USD") -> None:
    told = {"day": date(2025, 3, day), "from_currency": source, "to_currency": to, "rate": rate}
    tables.add("merged_fx_rate", position=88, **told)


def base(tables: Tables) -> Row:
    tables.run("base_pnl")
    tables.check("base_pnl")
    return tables.one("SELECT * FROM base_pnl")


def test_the_rate_of_the_closing_row_counts_first(tables: Tables) -> None:
    tables.add("merged_account_profile", base_currency="CHF")
    closing(tables, "0.88")
    daily(tables, 10, "0.9")
    lot(tables)
    row = base(tables)
    assert (row["base_currency"], row["rate"], row["rate_source"]) == (
        "CHF",
        dec("0.88"),
        "closing_row",
    )
    assert (row["realized_gross"], row["realized_net"]) == (dec("8.8088"), dec("-2.2"))
    assert row["rate_position"] == 77


def test_else_the_rate_of_the_day_in_new_york(tables: Tables) -> None:
    tables.add("merged_account_profile", base_currency="CHF")
    daily(tables, 10, "0.9")
    daily(tables, 11, "0.95")
    lot(tables)
    row = base(tables)
    assert (row["rate"], row["rate_source"], row["rate_position"]) == (
        dec("0.9"),
        "daily_rate",
        88,
    )


def test_a_lot_in_base_currency_needs_no_rate(tables: Tables) -> None:
    tables.add("merged_account_profile", base_currency="USD")
    lot(tables)
    row = base(tables)
    assert (row["rate"], row["rate_source"], row["rate_position"]) == (1, "same_currency", None)
    assert row["realized_gross"] == dec("10.01")


def test_where_nobody_states_a_rate_there_is_no_figure(tables: Tables) -> None:
    tables.add("merged_account_profile", base_currency="CHF")
    daily(tables, 9, "0.9")
    daily(tables, 10, "0.9", source="EUR")
    lot(tables)
    row = base(tables)
    assert (row["rate"], row["rate_source"], row["realized_net"]) == (None, "missing", None)


def test_the_base_currency_is_else_the_one_that_daily_rates_lead_to(tables: Tables) -> None:
    daily(tables, 10, "0.9")
    closing(tables, "1")
    lot(tables)
    assert base(tables)["base_currency"] == "CHF"


def test_else_the_only_one_whose_rows_all_bear_a_rate_of_one(tables: Tables) -> None:
    closing(tables, "1", "CHF", "a")
    closing(tables, "1", "EUR", "b")
    closing(tables, "0.95", "EUR", "d")
    closing(tables, "0.88")
    lot(tables)
    row = base(tables)
    assert (row["base_currency"], row["rate_source"]) == ("CHF", "closing_row")


@pytest.mark.parametrize("tos", [(), ("CHF", "EUR")])
def test_without_evidence_the_base_currency_is_unknown(
    tables: Tables, tos: tuple[str, ...]
) -> None:
    for to in tos:
        daily(tables, 10, "0.9", to)
    lot(tables)
    row = base(tables)
    assert (row["base_currency"], row["rate"], row["rate_source"]) == (None, None, "missing")


def test_a_rate_counts_even_where_nobody_names_the_currency(tables: Tables) -> None:
    closing(tables, "0.88")
    lot(tables)
    row = base(tables)
    assert (row["base_currency"], row["rate"], row["rate_source"]) == (
        None,
        dec("0.88"),
        "closing_row",
    )


def test_a_segment_has_the_base_currency_and_the_rates_of_its_account(tables: Tables) -> None:
    daily(tables, 10, "0.9")
    lot(tables, account="U1F")
    row = base(tables)
    assert (row["base_currency"], row["rate_source"]) == ("CHF", "daily_rate")


def test_a_corporate_action_closes_at_its_own_rate(tables: Tables) -> None:
    tables.add("merged_account_profile", base_currency="CHF")
    closing(tables, "0.5")
    tables.add(
        "merged_corporate_action",
        row_id="c",
        instrument_id="S",
        quantity=-1,
        proceeds=0,
        rate_to_base="0.7",
        report_date=date(2025, 3, 10),
    )
    lot(tables, close_kind="corporate_action")
    assert base(tables)["rate"] == dec("0.7")


def test_unknown_pnl_stays_unknown(tables: Tables) -> None:
    tables.add("merged_account_profile", base_currency="CHF")
    closing(tables, "0.88")
    lot(tables, realized_gross="1", realized_net=None)
    row = base(tables)
    assert (row["realized_gross"], row["realized_net"]) == (dec("0.88"), None)


def test_lots_of_kalshi_are_none_of_it(tables: Tables) -> None:
    lot(tables, venue="kalshi")
    tables.run("base_pnl")
    assert tables.rows("SELECT * FROM base_pnl") == []


@pytest.fixture(scope="module")
def engine() -> Iterator[Tables]:
    made = Tables()
    yield made
    made.connection.close()


@given(
    amount=st.decimals("-99999999999999999", "99999999999999999", places=20),
    rate=st.decimals("0.000000001", "9.999999999", places=9),
)
def test_the_product_is_exact_and_cut_at_20_places(
    engine: Tables, amount: Decimal, rate: Decimal
) -> None:
    query = f"SELECT at_rate('{amount:f}'::DECIMAL(38,20), '{rate:f}'::DECIMAL(18,9)) AS product"
    with localcontext(prec=80):
        expected = (amount * rate).quantize(PLACES, rounding=ROUND_DOWN)
    assert engine.one(query)["product"] == expected
