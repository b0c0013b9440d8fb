"""The macros that steps share: what they compute in 64 bits is what Python computes in whole."""

from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections import sql

QUANTITIES = st.decimals("-9999999999", "9999999999", places=8)
PRICES = st.decimals("-999999999", "999999999", places=9)
UNITS = st.integers(1, 10**18)


@pytest.fixture(scope="module")
def steps() -> duckdb.DuckDBPyConnection:
    """Return a database that knows the macros."""
    connection = duckdb.connect()
    for name in sql.names("macros"):
        connection.execute(sql.text("macros", name))
    return connection


def one(steps: duckdb.DuckDBPyConnection, query: str) -> object:
    """Return the one value of a query."""
    ((value,),) = steps.execute(f"SELECT {query}").fetchall()
    return value


@given(quantity=QUANTITIES, price=PRICES)
def test_amounts_become_integers_without_a_rounding(
    steps: duckdb.DuckDBPyConnection, quantity: Decimal, price: Decimal
) -> None:
    assert one(steps, f"units_of({quantity:f}::DECIMAL(18, 8))") == int(quantity * 10**8)
    assert one(steps, f"billionths_of({price:f}::DECIMAL(18, 9))") == int(price * 10**9)


@given(fee=st.integers(-(10**15), 10**15), total=UNITS, cut=st.fractions(0, 1))
def test_shares_of_a_fee_are_cut_and_add_up(
    steps: duckdb.DuckDBPyConnection, fee: int, total: int, cut: Fraction
) -> None:
    part = int(total * cut)
    shares = [
        one(steps, f"fee_share({fee}::BIGINT, {start}::BIGINT, {end}::BIGINT, {total}::BIGINT)")
        for start, end in ((0, part), (part, total))
    ]

    exact = abs(fee) * part // total
    first = Decimal(exact if fee >= 0 else -exact).scaleb(-9)
    assert shares == [first, Decimal(fee).scaleb(-9) - first]


@given(
    made=st.decimals("0", "8999999", places=9),
    cost=st.decimals("0.000000001", "8999999", places=9),
)
def test_a_ratio_is_the_same_in_billionths_and_in_the_smallest_unit(
    steps: duckdb.DuckDBPyConnection, made: Decimal, cost: Decimal
) -> None:
    exact = int(made * 10**9) * 10**9 // int(cost * 10**9)
    for count in ("billionths_of(nine_places({0}))", "units_of_money({0})"):
        size, whole = (count.format(f"{it:f}::DECIMAL(38, 20)") for it in (made, cost))
        if exact < 10**18:
            assert one(steps, f"billionths_in({size}, {whole})") == exact
        assert one(steps, f"exceeds({size}, 5000000, {whole})") == (
            exact > 0 and (int(made * 10**9) * 1000 > int(cost * 10**9) * 5)
        )


@pytest.mark.parametrize("amount", ["9000000", "-0.01", "99999999999.5"])
def test_money_that_does_not_fit_has_no_nine_places(
    steps: duckdb.DuckDBPyConnection, amount: str
) -> None:
    assert one(steps, f"nine_places({amount}::DECIMAL(38, 20))") is None
