"""Real statements beside the ledger that is made of them: cash, positions, P&L, nothing hidden."""

from pathlib import Path
from typing import Final

import pytest

from adapters import flex
from domain.event import NewEvent, Owner
from tests.books import NOW, BookMaker, Built, dec
from tests.shared_data import SHARED, needs_shared_data

FILES: Final = SHARED / "ibkr"
ONE_DAY: Final = "ibflexreader_TestForCoding.xml"
ONE_YEAR: Final = "opensteuerauszug_eTax_report_anonymised_2025.xml"
ONE_MONTH: Final = "portfolio_performance_IBFlexStatementFile14.xml"
CORRECTED: Final = "goforce64_activity_cancel_correct_exercise.xml"
CANCELLED: Final = "portfolio_performance_IBFlexStatementFile09.xml"
EXCERPT: Final = "portfolio_performance_IBFlexStatementFile20.xml"
EDITED: Final = "opensteuerauszug_vtandchill_2025.xml"
MERGED: Final = "uabean_beancount.xml"

pytestmark = needs_shared_data


def events(path: Path) -> list[NewEvent]:
    owner = Owner("main", "paper" if path.name == CORRECTED else "live")
    with path.open("rb") as file:
        seen = flex.survey(file, name=path.name, book=owner)
        return [one for batch in flex.batches(file, seen, received_at=NOW) for one in batch]


@pytest.fixture(scope="module", params=[ONE_DAY, ONE_YEAR, ONE_MONTH])
def tying(request: pytest.FixtureRequest, shelf: BookMaker) -> Built:
    return book(shelf, request.param)


def book(shelf: BookMaker, name: str) -> Built:
    return shelf.build(events(FILES / name))


def counts(built: Built, table: str) -> dict[str, int]:
    rows = built.rows(f"SELECT state, count(*) AS rows FROM {table} GROUP BY state")
    return {row["state"]: row["rows"] for row in rows}


def test_cash_ties_to_the_last_place_or_the_difference_is_that_of_commissions(
    tying: Built,
) -> None:
    rows = tying.rows("SELECT * FROM cash_comparison")
    assert len(rows) >= 2
    for row in rows:
        if row["state"] == "agrees":
            assert row["difference"] == 0
        else:
            assert row["state"] == "fx_commission_currency"
            assert (row["account"], row["currency"], row["difference"]) in [
                ("U9999999", "CHF", dec("-18.867786263")),
                ("U9999999", "USD", dec("21.821296002")),
            ]


def test_of_a_year_two_currencies_have_that_difference_and_one_ties(shelf: BookMaker) -> None:
    built = book(shelf, ONE_YEAR)
    assert counts(built, "cash_comparison") == {"agrees": 1, "fx_commission_currency": 2}
    assert counts(built, "position_comparison") == {"agrees": 1, "opening_missing": 1}
    assert counts(built, "realized_comparison") == {
        "agrees": 617,
        "rounded": 50,
        "opening_missing": 3,
        "commission_adjusted": 1,
    }
    lots = "SELECT count(*) FROM base_pnl WHERE rate_source = 'closing_row' AND rate_position > 0"
    assert built.value(lots) == built.value("SELECT count(*) FROM lot_match")


def test_futures_are_marked_day_by_day_and_the_segment_is_in_the_cash_of_its_account(
    shelf: BookMaker,
) -> None:
    built = book(shelf, ONE_DAY)
    assert counts(built, "cash_comparison") == {"agrees": 4}
    assert counts(built, "realized_comparison") == {"agrees": 11, "marked_daily": 4}
    accounts = "SELECT DISTINCT account FROM cash_ledger"
    assert {row["account"] for row in built.rows(accounts)} == {"U1234567", "U1234567F"}


def test_a_correction_adds_up_to_what_was_paid(shelf: BookMaker) -> None:
    built = book(shelf, CORRECTED)
    cancelled = "SELECT statement_order_id FROM fill WHERE booking = 'cancel'"
    fills = f"SELECT fill_id FROM fill WHERE statement_order_id IN ({cancelled})"
    query = f"SELECT sum(amount) FROM cash_ledger WHERE cause = '{{}}' AND reference IN ({fills})"
    assert built.value(query.format("fee")) == dec("-1.3666")
    assert built.value(query.format("fill")) == dec("-146")
    rules = built.rows("SELECT DISTINCT rule FROM canary")
    assert [row["rule"] for row in rules] == ["opening_missing"]


def test_a_purchase_that_was_taken_back_costs_its_fee_alone(shelf: BookMaker) -> None:
    built = book(shelf, CANCELLED)
    assert counts(built, "realized_comparison") == {"agrees": 1, "cancelled": 1}
    assert built.value("SELECT sum(amount) FROM cash_ledger") == dec("-2.4444")


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        (EXCERPT, "rows_missing", "dividends 3257.97 (no rows)"),
        (EDITED, "differs", "its lines add up to 277.475, not to its ending cash"),
        (MERGED, "rows_missing", "payment_in_lieu 23.82 (no rows)"),
    ],
)
def test_what_a_statement_leaves_out_is_named(
    shelf: BookMaker, name: str, state: str, reason: str
) -> None:
    built = book(shelf, name)
    row = built.one("SELECT state, reason FROM cash_comparison WHERE currency = 'USD'")
    assert row["state"] == state
    assert reason in row["reason"]
