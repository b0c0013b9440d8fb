"""One declaration of a table says everything that SQL and the data dictionary need."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

import pytest

from domain.columns import Column, Fact, Table, column, columns_of
from domain.facts import FACTS
from domain.kinds import KINDS
from domain.statements import AccountProfile
from domain.units import FEE, MONEY, PRICE, QUANTITY, Money, Price, Quantity

FACT_TABLES = pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.table)


class Sample(Table):
    """A row with a column of every type."""

    table: ClassVar[str] = "sample"
    purpose: ClassVar[str] = "Made for this test."

    text: str = column("Text.", identity=True)
    number: int | None = column("Number.")
    flag: bool = column("Flag.")
    at: datetime | None = column("Moment.")
    day: date = column("Day.")
    side: Literal["buy", "sell"] | None = column("Side.")
    quantity: Quantity = column("Quantity.")
    price: Price | None = column("Price.", inherited=True)
    amount: Money = column("Amount.", money=True)
    at_position: int = column("Position.", provenance=True)


def test_every_type_has_its_sql_type_and_none_makes_it_optional() -> None:
    assert [(it.name, it.sql_type, it.required) for it in columns_of(Sample)] == [
        ("text", "VARCHAR", True),
        ("number", "BIGINT", False),
        ("flag", "BOOLEAN", True),
        ("at", "TIMESTAMPTZ", False),
        ("day", "DATE", True),
        ("side", "VARCHAR", False),
        ("quantity", "DECIMAL(18,8)", True),
        ("price", "DECIMAL(18,9)", False),
        ("amount", "DECIMAL(38,20)", True),
        ("at_position", "BIGINT", True),
    ]


def test_places_choices_meaning_and_flags_come_through() -> None:
    found = {it.name: it for it in columns_of(Sample)}
    assert [found[name].places for name in ("quantity", "price", "amount", "text")] == [
        QUANTITY,
        PRICE,
        MONEY,
        None,
    ]
    assert found["side"].choices == ("buy", "sell")
    assert found["text"].choices == ()
    assert found["text"].meaning == "Text."
    flags = {
        name: [it.name for it in found.values() if getattr(it, name)]
        for name in ("identity", "inherited", "money", "provenance")
    }
    assert flags == {
        "identity": ["text"],
        "inherited": ["price"],
        "money": ["amount"],
        "provenance": ["at_position"],
    }


def test_a_decimal_without_declared_places_is_refused() -> None:
    class Bare(Table):
        """A table whose decimal has no scale."""

        amount: Decimal = column("Amount.")

    with pytest.raises(KeyError):
        columns_of(Bare)


def test_a_float_column_is_refused() -> None:
    class Rough(Table):
        """A table with a float."""

        amount: float = column("Amount.")

    with pytest.raises(KeyError):
        columns_of(Rough)


def test_a_column_of_two_types_is_refused() -> None:
    class Torn(Table):
        """A table whose column has two types."""

        either: int | str = column("Either.")

    with pytest.raises(TypeError, match="one type"):
        columns_of(Torn)


def test_an_annotation_that_is_not_an_exact_decimal_is_refused() -> None:
    class Odd(Table):
        """A table with an annotated float."""

        amount: Annotated[float, MONEY] = column("Amount.")

    with pytest.raises(TypeError, match="only exact decimals"):
        columns_of(Odd)


@FACT_TABLES
def test_a_fact_begins_with_where_it_came_from_and_whose_it_is(fact: type[Fact]) -> None:
    columns = columns_of(fact)
    assert [it.name for it in columns[:4]] == ["position", "venue", "account", "mode"]
    assert columns[0].provenance
    assert [it.identity for it in columns[:4]] == [False, True, True, True]
    assert all(it.required for it in columns[:4])


@FACT_TABLES
def test_what_identifies_a_fact_is_required(fact: type[Fact]) -> None:
    own = [it for it in columns_of(fact)[4:] if it.identity]
    # an account has one profile
    assert own or fact is AccountProfile
    assert all(it.required for it in own)


@FACT_TABLES
def test_only_a_column_that_may_be_empty_is_inherited(fact: type[Fact]) -> None:
    assert not [it.name for it in columns_of(fact) if it.inherited and it.required]


@FACT_TABLES
def test_every_column_says_what_it_means_in_a_sentence(fact: type[Fact]) -> None:
    assert fact.purpose.endswith(".")
    for it in columns_of(fact):
        assert it.meaning, it.name
        assert it.meaning[-1] in ".;)", it.name


@FACT_TABLES
def test_money_prices_and_quantities_are_exact_decimals(fact: type[Fact]) -> None:
    for it in columns_of(fact):
        assert "DOUBLE" not in it.sql_type
        if it.money:
            assert it.places in (MONEY, FEE), it.name


@FACT_TABLES
def test_the_column_that_says_what_is_newest_exists(fact: type[Fact]) -> None:
    if fact.newest_by is not None:
        newest = [it for it in columns_of(fact) if it.name == fact.newest_by]
        assert [it.sql_type for it in newest] == ["TIMESTAMPTZ"]


def test_table_names_are_unique_and_every_kind_makes_a_declared_fact() -> None:
    names = [fact.table for fact in FACTS]
    assert len(names) == len(set(names))
    assert {kind.fact for kind in KINDS} - {None} == set(FACTS)


def test_columns_are_plain_values() -> None:
    assert columns_of(Sample) == columns_of(Sample)
    assert isinstance(columns_of(Sample)[0], Column)
