"""What a query left out is said, with what to tick."""

import pytest

from tests.adapters.flex.made import element, looked_at, response, statement, trade


def notes(*sections: str) -> list[str]:
    return looked_at(response(statement(*sections))).notes


@pytest.mark.parametrize(
    ("section", "row", "coarse", "fine"),
    [
        ("Trades", "Trade", "ORDER", "EXECUTION"),
        ("Trades", "Trade", "CLOSED_LOT", ""),
        ("CashTransactions", "CashTransaction", "SUMMARY", "DETAIL"),
        ("CorporateActions", "CorporateAction", "SUMMARY", "DETAIL"),
    ],
)
def test_summaries_without_what_they_sum_up_are_remarked_on(
    section: str, row: str, coarse: str, fine: str
) -> None:
    rows = [element(row, transactionID=level, levelOfDetail=level) for level in (coarse, fine)]
    (told,) = notes(element(section, rows[0]))
    assert told.startswith(f"{section} has ")
    assert "tick " in told
    assert notes(element(section, *rows)) == []
    assert notes(element(section)) == []


def test_orders_among_confirmations_are_no_lack_of_trades() -> None:
    orders = element("TradeConfirms", element("Order", levelOfDetail="ORDER"))
    (told,) = notes(orders)
    assert told.startswith("TradeConfirms has summaries and no executions")
    assert notes(orders, element("Trades", trade()))[0] == told


def test_rows_that_are_kept_and_not_read_are_counted_by_section_unknown_ones_first() -> None:
    assert notes(
        element("FxPositions", element("FxPosition", a="1"), element("FxPosition", a="2")),
        element("Horoscopes", element("Horoscope", sign="leo")),
    ) == [
        "1 row of Horoscopes, an unknown section, was kept and is not read",
        "2 rows of FxPositions were kept and are not read",
    ]


def test_very_many_unknown_sections_are_not_all_named() -> None:
    told = notes(*(element(f"Made{number}", a="1") for number in range(100)))
    assert len(told) == 21
    assert told[-1] == "and so were those of 80 more sections"


def test_a_file_without_any_statement_is_remarked_on_and_the_count_is_not() -> None:
    assert looked_at(response()).notes == ["there is no statement in this file (FlexStatement)"]
    assert looked_at(response(statement(), count="128")).notes == []
