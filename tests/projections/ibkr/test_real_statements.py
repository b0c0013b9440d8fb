"""Real Flex statements, whole: what the ledger makes of them beside what the broker says."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.flex import batches, survey
from domain.event import NewEvent, Owner
from replay import query
from tests.books import NOW, BookMaker, Built, dec
from tests.projections.ibkr.flex_rows import FILES
from tests.projections.test_queries import OF_IBKR, SAVED
from tests.shared_data import needs_shared_data
from tests.tools.render_help import shown_width

pytestmark = needs_shared_data

CORRECTED = "goforce64_activity_cancel_correct_exercise.xml"
TODAY = "goforce64_today_tradeconfirms.xml"
CONFIRMS = "ibkr_conduit_trade-confirmations.xml"
CODING = "ibflexreader_TestForCoding.xml"
CUSIP = "opensteuerauszug_corporate_action_2025.xml"
YEAR = "opensteuerauszug_eTax_report_anonymised_2025.xml"
CANCELLED = "portfolio_performance_IBFlexStatementFile09.xml"
MONTH = "portfolio_performance_IBFlexStatementFile14.xml"
LIQUIDATED = "portfolio_performance_IBFlexStatementFile23.xml"
SPLIT = "uabean_beancount.xml"
PAPER = {CORRECTED, TODAY}


def events(path: Path) -> list[NewEvent]:
    """Return the events of a file, as `ingest` appends them."""
    owner = Owner("main", "paper" if path.name in PAPER else "live")
    with path.open("rb") as file:
        seen = survey(file, name=path.name, book=owner)
        return [event for batch in batches(file, seen, received_at=NOW) for event in batch]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Built]]:
    maker = BookMaker(tmp_path_factory.mktemp("statements"))
    yield {path.name: maker.build(events(path)) for path in FILES}
    maker.close()


def states(built: Built, table: str, key: str) -> dict[str, str]:
    return {row[key]: row["state"] for row in built.rows(f"SELECT {key}, state FROM {table}")}


def test_every_trade_and_confirmation_is_read(books: dict[str, Built]) -> None:
    read: Counter[str] = Counter()
    for built in books.values():
        assert built.rows("unreadable") == []
        assert built.rows("SELECT kind, shape FROM drift WHERE status <> 'known'") == []
        for row in built.rows("SELECT told_by, count(*) AS fills FROM fill GROUP BY ALL"):
            read[row["told_by"]] += row["fills"]
    assert read == {"statement": 742, "confirmation": 46}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (CODING, {"CHF": "agrees", "EUR": "agrees", "GBP": "agrees", "USD": "agrees"}),
        (MONTH, {"CHF": "agrees", "USD": "agrees"}),
        (
            YEAR,
            {
                "EUR": "agrees",
                "CHF": "fx_commission_currency",
                "USD": "fx_commission_currency",
            },
        ),
    ],
)
def test_cash_ties_to_the_cash_report_to_the_last_place(
    books: dict[str, Built], name: str, expected: dict[str, str]
) -> None:
    assert states(books[name], "cash_comparison", "currency") == expected


def test_the_remainder_of_the_year_is_named_and_not_hidden(books: dict[str, Built]) -> None:
    query = "SELECT currency, difference FROM cash_comparison WHERE state <> 'agrees'"
    assert {row["currency"]: row["difference"] for row in books[YEAR].rows(query)} == {
        "CHF": dec("-18.867786263"),
        "USD": dec("21.821296002"),
    }


def test_open_positions_are_those_of_the_statement_or_were_there_before(
    books: dict[str, Built],
) -> None:
    query = (
        "SELECT instrument_id, stated, by_rows, opening, state FROM position_comparison"
        " WHERE stated <> 0"
    )
    told = {
        name: [
            (row["instrument_id"], row["stated"], row["opening"], row["state"])
            for row in built.rows(query)
        ]
        for name, built in books.items()
    }
    assert told[CUSIP] == [("808825105", 24, 0, "agrees")]
    assert told[YEAR] == [
        ("272110", 5257, 284, "opening_missing"),
        ("841737224", -52, 0, "agrees"),
    ]
    assert "differs" not in {state for rows in told.values() for *_, state in rows}


def test_realized_results_are_the_brokers_own_row_by_row(books: dict[str, Built]) -> None:
    agreement: Counter[str] = Counter()
    for built in books.values():
        query = "SELECT state, count(*) AS rows FROM realized_comparison GROUP BY state"
        agreement.update({row["state"]: row["rows"] for row in built.rows(query)})
    # 29 of the 742 rows state no result
    assert sum(agreement.values()) == 713
    assert agreement == {
        "agrees": 651,
        "rounded": 51,
        "opening_missing": 5,
        "marked_daily": 4,
        "cancelled": 1,
        "commission_adjusted": 1,
    }


def test_a_correction_leaves_two_contracts_and_its_whole_commission(
    books: dict[str, Built],
) -> None:
    built, call = books[CORRECTED], "instrument_id = '893396239'"
    assert built.value(f"SELECT quantity FROM position WHERE {call}") == 2
    fees = f"SELECT sum(fee) FROM fill WHERE {call} AND statement_order_id = '726326436'"
    assert built.value(fees) == dec("1.3666")
    cash = f"SELECT sum(amount) FROM cash_ledger WHERE {call} AND cause = 'fee'"
    assert built.value(cash) == dec("-1.3666")


def test_a_trade_that_was_taken_back_costs_its_fee_alone(books: dict[str, Built]) -> None:
    trade = books[CANCELLED].one("trade")
    assert (trade["cancelled"], trade["realized_gross"]) == (True, 0)
    assert trade["realized_net"] == dec("-2.4444")
    assert books[CANCELLED].rows("position") == []


def test_the_confirmations_are_43_shares_and_not_129(books: dict[str, Built]) -> None:
    assert books[CONFIRMS].value("SELECT sum(quantity) FROM fill") == 43


def test_an_assignment_hands_its_premium_to_the_shares(books: dict[str, Built]) -> None:
    built = books[YEAR]
    carried = built.one("carried_premium")
    assert (carried["premium"], carried["fees"]) == (dec("8519"), dec("14.40546"))
    option = f"close_id = '{carried['fill_id']}'"
    assert built.value(f"SELECT sum(realized_net) FROM lot_match WHERE {option}") == 0
    shares = f"SELECT sum(premium) FROM lot_match WHERE close_id = '{carried['into_fill_id']}'"
    assert built.value(shares) == carried["premium"]


def test_a_split_and_a_merger_carry_the_lots_on(books: dict[str, Built]) -> None:
    built = books[SPLIT]
    lots = (
        "SELECT sum(quantity) AS quantity, sum(cost) AS cost FROM open_lot WHERE instrument_id = "
    )
    # 1.038 shares for 299.98124 became 4.152
    assert built.one(f"{lots} '265598'") == {"quantity": dec("4.152"), "cost": dec("299.98124")}
    # 2.5052 of the one became 1.4831 of the other; the cash with it is a result of its own
    assert built.one(f"{lots} '198563873'") == {
        "quantity": dec("1.4831"),
        "cost": dec("124.999376"),
    }
    gain = "SELECT sum(realized_gross) FROM lot_match WHERE close_kind = 'corporate_action'"
    assert built.value(gain) == dec("10.622048")


def test_a_liquidation_of_what_was_there_before_has_cash_and_no_result(
    books: dict[str, Built],
) -> None:
    lot = books[LIQUIDATED].one("lot_match")
    assert (lot["basis_state"], lot["realized_gross"]) == ("missing", None)
    cash = "SELECT amount FROM cash_ledger WHERE cause = 'corporate_action'"
    assert books[LIQUIDATED].value(cash) == dec("405.4249")


def test_all_files_in_one_book_in_any_order_are_the_same_book(tmp_path: Path) -> None:
    # three pairs of accounts and statements share ids: the sample files call them all U1234567
    files = [path for path in FILES if path.name in {CODING, MONTH, YEAR, SPLIT, CUSIP}]
    maker = BookMaker(tmp_path)
    one = maker.build(*(events(path) for path in files))
    other = maker.build(*(events(path) for path in reversed(files)), threads=1, chunk_events=700)
    again = maker.build(*(events(path) for path in [*files, *files]))
    own = {"fetch_log", "shape_month"}
    tables = one.content().keys() - own
    assert {name: one.content()[name] for name in tables} == {
        name: other.content()[name] for name in tables
    }
    assert one.content() == again.content()
    assert one.value("SELECT count(*) FROM fill") > Decimal(700)
    maker.close()


def test_every_saved_query_has_an_answer_that_fits_a_screen(books: dict[str, Built]) -> None:
    # commissions have nine places: what is wider than the screen is shown row by row, or shortened
    long_numbers = {
        "open-lots",
        "outcomes",
        "outcomes-by-strategy",
        "pnl-by-day",
        "pnl-by-family",
        "pnl-by-strategy",
    }
    wide, answered = set(), set()
    for built in books.values():
        for saved in SAVED:
            answer = query.run(built.connection, saved.sql)
            if answer.num_rows:
                answered.add(saved.name)
            if shown_width(answer) > 100:
                wide.add(saved.name)
    assert wide <= long_numbers
    # no statement tells of an order that was filled in part
    assert OF_IBKR - answered == {"partial-orders"}
