"""The exact types hold what they say they hold, and refuse all else as text."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.units import FEE, MONEY, MULTIPLIER, PRICE, QUANTITY, Places
from tests.made.json_values import NUMBER_TEXTS

ALL = pytest.mark.parametrize(
    "places", [QUANTITY, PRICE, MULTIPLIER, FEE, MONEY], ids=lambda p: p.sql
)


def fits(places: Places, text: str) -> bool:
    """Tell whether a text is taken."""
    return re.fullmatch(places.pattern, text) is not None


def test_the_sql_types_are_those_of_the_module_text() -> None:
    sql = {places.sql: places for places in (QUANTITY, PRICE, MULTIPLIER, FEE, MONEY)}
    assert set(sql) == {"DECIMAL(18,8)", "DECIMAL(18,9)", "DECIMAL(12,3)", "DECIMAL(38,20)"}


def test_quantity_times_price_times_multiplier_fits_money_exactly() -> None:
    assert MONEY.scale == QUANTITY.scale + PRICE.scale + MULTIPLIER.scale


@ALL
def test_the_greatest_and_the_finest_number_fit_and_the_next_does_not(places: Places) -> None:
    whole, fraction = "9" * (places.width - places.scale), "9" * places.scale
    assert fits(places, f"{whole}.{fraction}")
    assert fits(places, f"-{whole}.{fraction}")
    assert not fits(places, f"{whole}0")
    assert not fits(places, f"1{whole}.{fraction}")
    assert not fits(places, f"0.{fraction}1")


@ALL
@pytest.mark.parametrize("zeros", [0, 1, 50])
def test_zeros_at_the_end_are_not_places(places: Places, zeros: int) -> None:
    assert fits(places, "0." + "1" * places.scale + "0" * zeros)
    assert fits(places, "0." + "0" * (places.scale + zeros))


@ALL
@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "1.", ".5", "+1", "--1", "1e2", "1E2", "1e999", "1,000", "1_000", "0x10", " 1",
     "1 ", "1\n", "\n1", "nan", "NaN", "inf", "-Infinity", "\u0661", "1\u0661", "1.\uff11", "$1",
     "(1)", "1-", "\u22121", "null", "true", "1.2.3"],
)  # fmt: skip
def test_what_is_no_plain_decimal_does_not_fit(places: Places, text: str) -> None:
    assert not fits(places, text)


@ALL
@given(text=NUMBER_TEXTS)
def test_what_fits_is_held_without_rounding(places: Places, text: str) -> None:
    if fits(places, text):
        value = Fraction(Decimal(text))
        assert (value * 10**places.scale).denominator == 1
        assert abs(value) < 10 ** (places.width - places.scale)


@ALL
@given(data=st.data())
def test_every_number_of_the_column_has_a_text_that_fits(
    places: Places, data: st.DataObject
) -> None:
    unscaled = data.draw(st.integers(-(10**places.width) + 1, 10**places.width - 1))
    sign, digits = "-" * (unscaled < 0), str(abs(unscaled)).rjust(places.scale + 1, "0")
    assert fits(places, f"{sign}{digits[: -places.scale]}.{digits[-places.scale :]}")
