"""What the broker states at one moment: of which subaccount, of which shard, and by which list."""

import json
from datetime import timedelta
from typing import Final

import pytest

from domain.event import Asked, NewEvent
from tests.books import NOW, BookMaker, dec, event
from tests.made.samples import HOLDING, LISTING, SERIES
from tests.projections.account_events import balance, listed
from tools.fake_kalshi.payloads import market_json, position_json
from tools.fake_kalshi.payloads.venue import series_json

LATER: Final = NOW + timedelta(seconds=3)
WHOSE: Final = "SELECT subaccount, shard, told_by, cash, exact FROM balance_snapshot"


def position(asked: Asked) -> NewEvent:
    return event("kalshi.position", position_json(HOLDING, "5"), as_of=NOW, asked=asked)


def test_positions_of_two_subaccounts_at_one_moment_are_two_facts(books: BookMaker) -> None:
    built = books.build([position(Asked()), position(Asked(1)), position(Asked(2, 0))])
    rows = built.rows("SELECT subaccount, quantity FROM position_snapshot")
    assert [tuple(row.values()) for row in rows] == [(0, -13), (1, -13), (2, -13)]
    assert built.rows("restatement") == []


def test_a_position_of_the_primary_subaccount_is_one_fact_whether_it_was_named_or_not(
    books: BookMaker,
) -> None:
    built = books.build([position(Asked()), position(Asked(0))])
    assert built.one("SELECT subaccount FROM position_snapshot") == {"subaccount": 0}


def test_balances_are_told_apart_by_what_was_asked_for_and_by_who_told(books: BookMaker) -> None:
    built = books.build(
        [
            balance("1", NOW),
            balance("2", NOW, subaccount=1),
            balance("3", NOW, shard=0),
            balance("4.5", NOW, subaccount=1, shard=1, exact=False),
            listed("5.0000", NOW),
            listed("6.0000", NOW, subaccount=1, shard=1),
        ]
    )
    assert [tuple(row.values()) for row in built.rows(WHOSE)] == [
        (0, "0", "balance", 3, True),
        (0, "0", "subaccount_balance", 5, True),
        (0, "all", "balance", 1, True),
        (1, "1", "balance", dec("4.5"), False),
        (1, "1", "subaccount_balance", 6, True),
        (1, "all", "balance", 2, True),
    ]


def test_a_statement_says_when_it_came(books: BookMaker) -> None:
    built = books.build([balance("1", NOW, received_at=LATER)])
    assert built.one("SELECT as_of, received_at FROM balance_snapshot") == {
        "as_of": NOW,
        "received_at": LATER,
    }


def test_the_list_of_subaccounts_was_in_hundredths_of_a_cent_before_it_was_in_dollars(
    books: BookMaker,
) -> None:
    early = listed("", NOW, balance=1234567, exchange_index=None)
    later = listed("123.4567", NOW, subaccount=1, exchange_index=None)
    rows = books.build([early, later]).rows(WHOSE)
    assert [tuple(row.values()) for row in rows] == [
        (0, "all", "subaccount_balance", dec("123.4567"), True),
        (1, "all", "subaccount_balance", dec("123.4567"), True),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1234567", "contradiction"),
        ("1e3", "bad_number"),
        ("", "bad_number"),
        ("9999999999999.0", "contradiction"),
    ],
)
def test_a_balance_of_a_subaccount_whose_unit_or_size_is_in_doubt_is_unreadable(
    books: BookMaker, text: str, reason: str
) -> None:
    assert books.build([listed(text, NOW)]).value("SELECT reason FROM unreadable") == reason


def test_an_early_balance_that_is_too_long_is_a_bad_number(books: BookMaker) -> None:
    built = books.build([listed("", NOW, balance=10**20, exchange_index=None)])
    assert built.one("SELECT reason, offending FROM unreadable") == {
        "reason": "bad_number",
        "offending": f"{10**20} hundredths of a cent",
    }


@pytest.mark.parametrize("changes", [{"balance_dollars": "9999999999999.00"}, {"balance": 10**17}])
def test_balances_beyond_measure_are_unreadable_and_do_not_stop_the_rebuild(
    books: BookMaker, changes: dict[str, object]
) -> None:
    row = {"balance": 100, "portfolio_value": 0, "updated_ts": 1} | changes
    if "balance_dollars" in changes:
        row["balance"] = 999999999999900
    events = [
        event("kalshi.balance", json.dumps(row), as_of=NOW, asked=Asked(number))
        for number in range(3)
    ]
    rows = books.build(events).rows("SELECT reason, offending FROM unreadable")
    assert [row["reason"] for row in rows] == ["contradiction"] * 3
    assert all("is beyond measure" in row["offending"] for row in rows)


def test_a_market_says_until_when_no_fee_is_charged(books: BookMaker) -> None:
    text = json.dumps(
        json.loads(market_json(LISTING, "5"))
        | {"fee_waiver_expiration_time": "2026-06-01T00:00:00Z"}
    )
    built = books.build([event("kalshi.market", text)])
    waived = "SELECT fee_waived_until::VARCHAR FROM market"
    assert built.value(waived) == "2026-06-01 00:00:00+00"
    silent = books.build([event("kalshi.market", market_json(LISTING, "5"))])
    assert silent.value(waived) is None


def series(**changes: object) -> NewEvent:
    row = json.loads(series_json(SERIES, "5")) | changes
    return event("kalshi.series", json.dumps(row), received_at=LATER)


@pytest.mark.parametrize("multiplier", [0, 1, 0.5, 1.15, 0.333333333])
def test_a_series_says_what_it_charges_and_when_it_was_told(
    books: BookMaker, multiplier: float
) -> None:
    row = books.build([series(fee_multiplier=multiplier)]).one("series")
    assert (row["series_id"], row["title"], row["fee_type"]) == ("KXHIGHNY", "made", "quadratic")
    assert row["fee_multiplier"] == dec(str(multiplier))
    assert row["received_at"] == LATER


@pytest.mark.parametrize("multiplier", [-1, 1001])
def test_a_multiplier_beyond_measure_is_a_contradiction(books: BookMaker, multiplier: int) -> None:
    built = books.build([series(fee_multiplier=multiplier)])
    assert built.value("SELECT reason FROM unreadable") == "contradiction"


def test_a_series_that_charges_otherwise_later_is_restated(books: BookMaker) -> None:
    built = books.build([series(), series(fee_multiplier=2)])
    assert built.one("SELECT fact, change, columns FROM restatement") == {
        "fact": "series",
        "change": "changed",
        "columns": "fee_multiplier",
    }
    assert built.value("SELECT fee_multiplier FROM series") == 2
