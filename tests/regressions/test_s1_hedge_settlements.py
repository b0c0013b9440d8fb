"""Known failures S1-5 and S1-6: settlements whose revenue was 0, hedges booked as losses.

The headline of the day, -13.39 where -3.35 was nearer the truth, also rests on settlements whose
payloads nobody kept; the fourteen markets that the repair corrected are here.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from domain.event import NewEvent
from tests.books import SETTLEMENT, BookMaker, Built, dec, event
from tests.regressions.weather_bot import (
    ASYMMETRIC,
    HEDGES,
    MAY_11,
    Traded,
    fills,
    fills_page,
    settlement,
    settlements,
)
from tests.tools.command import bytes_of, run, written
from tools.fake_kalshi.payloads import page

MARKET: Final = "KXHIGHAUS-26MAY12-T85"
STATED: Final = "@settlements_as_stated"


def held(yes: str, no: str, ticker: str = MARKET) -> tuple[Traded, ...]:
    """Return fills of YES at 0.60 and of NO at 0.30, 0.02 of fees each."""
    sides = (("yes", yes, "0.60"), ("no", no, "0.30"))
    return tuple(
        Traded(f"{ticker}-{side}", ticker, side, price, MAY_11, quantity, "0.02")  # type: ignore[arg-type]
        for side, quantity, price in sides
        if Decimal(quantity)
    )


def built_of(books: BookMaker, traded: tuple[Traded, ...], told: str) -> Built:
    return books.build(fills(traded), [event(SETTLEMENT, told)])


def net(built: Built) -> Decimal | None:
    value: Decimal | None = built.value("SELECT sum(realized_net) AS net FROM lot_match")
    return value


# --- S1-5: revenue is what the winning contracts pay, whatever the API says ----------------------


# YES and NO held, result, net P&L
CASES: Final = {
    "a pure YES winner": ("10", "0", "yes", "3.98"),
    "a pure YES loser": ("10", "0", "no", "-6.02"),
    "a pure NO winner": ("0", "10", "no", "6.98"),
    "a pure NO loser": ("0", "10", "yes", "-3.02"),
    "a balanced hedge, YES wins": ("5", "5", "yes", "0.46"),
    "a balanced hedge, NO wins": ("5", "5", "no", "0.46"),
    "an asymmetric hedge": ("8", "5", "yes", "1.66"),
    "a fraction of a contract": ("0.29", "0", "yes", "0.096"),
    "a fraction of a contract, hedged": ("1.14", "1", "yes", "0.116"),
}


@pytest.fixture(scope="module")
def cases(shelf: BookMaker) -> Built:
    """All cases in one book, each in a market of its own."""
    events = []
    for number, (yes, no, result, _) in enumerate(CASES.values()):
        traded = held(yes, no, f"CASE{number}")
        events += [*fills(traded), *settlements(traded, result)]  # type: ignore[arg-type]
    return shelf.build(events)


@pytest.mark.parametrize("name", CASES)
def test_s1_5_each_winning_contract_pays_a_dollar_though_revenue_says_0(
    cases: Built, name: str
) -> None:
    market = f"WHERE instrument_id = 'CASE{list(CASES).index(name)}'"
    assert cases.value(f"SELECT revenue_reported FROM settlement {market}") == 0
    assert cases.value(f"SELECT sum(realized_net) FROM lot_match {market}") == dec(CASES[name][-1])


def test_s1_5_a_market_in_which_nothing_was_held_pays_nothing(books: BookMaker) -> None:
    built = built_of(books, (), settlement(MARKET, "yes", ()))
    assert built.value("SELECT revenue_state FROM settlement") == "agrees"
    assert net(built) is None
    assert built.rows("cash_ledger") == []


def test_s1_5_an_unknown_result_is_reported_and_pays_nothing_by_default(books: BookMaker) -> None:
    traded = held("10", "0")
    told = settlement(MARKET, "yes", traded, market_result="maybe")
    built = built_of(books, traded, told)
    (row,) = built.rows("unreadable")
    assert (row["reason"], row["column_name"], row["offending"]) == (
        "bad_value", "result", "maybe",
    )  # fmt: skip
    assert net(built) is None
    assert built.value("SELECT quantity FROM position") == 10


def test_s1_5_the_exact_row_of_the_api_with_revenue_0(books: BookMaker) -> None:
    """A hedge of one each: 0.60 + 0.30 and 0.04 of fees make 0.06, not -0.94."""
    traded = held("1", "1")
    told = {
        "event_ticker": "KXHIGHAUS-26MAY12",
        "fee_cost": "0.0400",
        "market_result": "no",
        "no_count_fp": "1.00",
        "no_total_cost_dollars": "0.3000",
        "revenue": 0,
        "settled_time": "2026-05-12T06:00:00Z",
        "ticker": MARKET,
        "value": 0,
        "yes_count_fp": "1.00",
        "yes_total_cost_dollars": "0.6000",
    }
    built = built_of(books, traded, json.dumps(told))
    assert built.value("SELECT status FROM drift WHERE kind = 'kalshi.settlement'") == "known"
    assert built.value("SELECT revenue_state FROM settlement") == "netted"
    assert net(built) == dec("0.06")
    redeemed = "SELECT amount FROM cash_ledger WHERE cause = 'redemption'"
    assert built.value(redeemed) == 1


def test_s1_5_a_winner_that_was_stated_at_0_is_an_alarm_and_a_hedge_is_none(
    books: BookMaker,
) -> None:
    winner, hedge = held("10", "0"), HEDGES[:2]
    told = [*settlements(winner, "yes"), *settlements(hedge)]
    built = books.build(fills([*winner, *hedge]), told)
    (canary,) = built.rows("canary")
    assert (canary["rule"], canary["subject"]) == ("revenue_missing", MARKET)
    assert (canary["found"], canary["expected"]) == (0, 10)


# --- S1-6: the repair of fourteen rows -----------------------------------------------------------


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fourteen markets, taken in as the pages of the API."""
    folder = tmp_path_factory.mktemp("hedges")
    pages = written(folder / "pages", fills=fills_page((*HEDGES, *ASYMMETRIC)), **settled())
    run(folder / "book", "init")
    assert run(folder / "book", "ingest", pages).code == 0
    return folder / "book"


def settled() -> dict[str, str]:
    """Return the page with the fourteen settlements."""
    rows = [_payload(one) for one in (*settlements(HEDGES), *settlements(ASYMMETRIC))]
    return {"settlements": page("settlements", rows)}


def _payload(one: NewEvent) -> str:
    return one.state.split(b'"payload":')[1][:-1].decode()


def as_stated(book: Path) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    """Return what was stated, what the ledger says and the difference, by market."""
    rows = run(book, "query", STATED, "--json").json["rows"]
    figures = ("stated", "ledger", "difference")
    return {row["instrument_id"]: tuple(Decimal(row[one]) for one in figures) for row in rows}  # type: ignore[misc]


def test_s1_6_thirteen_hedges_and_one_asymmetric_move_the_total_by_fourteen_dollars(
    book: Path,
) -> None:
    told = as_stated(book)
    stated, ledger, difference = told.pop("total")
    assert difference == ledger - stated == dec("14.00")
    assert told.pop(ASYMMETRIC[0].ticker) == (dec("-1.21"), dec("-0.21"), dec("1"))
    assert list(told.values()) == [(dec("-0.90"), dec("0.10"), dec("1"))] * 13
    assert (stated, ledger) == (13 * dec("-0.90") - dec("1.21"), 13 * dec("0.10") - dec("0.21"))
    (profit,) = run(book, "query", "@pnl-by-strategy", "--json").json["rows"]
    assert dec(profit["net"]) == ledger == dec("1.09")


def test_s1_6_a_hedge_is_corrected_whichever_side_wins_and_a_losing_one_stays_a_loss(
    books: BookMaker,
) -> None:
    """0.60 and 0.70 of two sides pay 1.00 in any case, 0.32 less than they cost."""
    losing = (
        Traded("loser-y", MARKET, "yes", "0.60", MAY_11, "1", "0.01"),
        Traded("loser-n", MARKET, "no", "0.70", MAY_11, "1", "0.01"),
    )
    told = [
        *settlements(HEDGES[:2], "yes"),
        *settlements(HEDGES[2:4], "no"),
        *settlements(losing),
    ]
    built = books.build(fills([*HEDGES[:4], *losing]), told)
    query = "SELECT instrument_id, sum(realized_net) AS net FROM lot_match GROUP BY ALL"
    assert {row["instrument_id"]: row["net"] for row in built.rows(query)} == {
        HEDGES[0].ticker: dec("0.10"),
        HEDGES[2].ticker: dec("0.10"),
        MARKET: dec("-0.32"),
    }


def test_s1_6_one_side_alone_makes_what_it_makes_however_it_is_stated(books: BookMaker) -> None:
    rightly, wrongly, lost = (held("10", "0", f"ALONE{number}") for number in range(3))
    told = [
        settlement("ALONE0", "yes", rightly, revenue=1000),
        settlement("ALONE1", "yes", wrongly, revenue=0),
        settlement("ALONE2", "no", lost),
    ]
    built = books.build(
        fills([*rightly, *wrongly, *lost]), [event(SETTLEMENT, text) for text in told]
    )
    query = "SELECT instrument_id AS id, realized_net AS net FROM lot_match ORDER BY 1"
    assert [row["net"] for row in built.rows(query)] == [dec("3.98"), dec("3.98"), dec("-6.02")]


def test_s1_6_a_settlement_without_fills_is_left_aside_and_said_to_be(tmp_path: Path) -> None:
    told = page("settlements", [settlement(MARKET, "no", held("5", "5"))])
    run(tmp_path / "book", "init")
    run(tmp_path / "book", "ingest", written(tmp_path / "pages", settlements=told))
    (row,) = run(tmp_path / "book", "query", STATED, "--json").json["rows"]
    assert (row["stated"], row["ledger"], row["difference"]) == ("-4.54", None, None)
    assert run(tmp_path / "book", "status", "--json").json["settlements_without_all_fills"] == 1


def test_s1_6_a_dry_run_writes_nothing_and_applying_twice_changes_nothing(book: Path) -> None:
    before = bytes_of(book)
    dry = run(book, "rebuild", "--dry-run", "--json").json
    assert "(dry run: nothing was written)" in dry["verdict"]
    assert bytes_of(book) == before
    first, second = (run(book, "rebuild", "--json").json for _ in range(2))
    assert first["fingerprint"] == second["fingerprint"]
    for told in (dry, first, second):
        assert (told["fills_moved"], told["lots_moved"], told["days_moved"]) == (0, 0, 0)
