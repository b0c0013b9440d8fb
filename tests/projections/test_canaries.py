"""What looks wrong although every shape is known: settlements, fees, shards."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

import pytest

from domain.event import NewEvent, payload_bytes
from replay import query
from tests.books import FILL, NOW, BookMaker, Built, Row, dec, event, ledger
from tests.made.samples import LISTING
from tests.projections.account_events import balance, fetch, listed
from tools.fake_kalshi.payloads import (
    Cash,
    Ending,
    Execution,
    deposit_json,
    fill_json,
    market_json,
    settlement_json,
)
from tools.fake_kalshi.payloads.venue import series_json
from tools.fake_kalshi.series import Series
from tools.fake_kalshi.truths import Result

TICKER: Final = LISTING.ticker
SECOND: Final = timedelta(seconds=1)


def canaries(built: Built) -> list[Row]:
    return built.rows("SELECT rule, subject, found, expected FROM canary")


# --- settlements ---------------------------------------------------------------------------------


def test_a_settlement_that_pays_nothing_to_a_winner_is_a_canary_and_a_netted_one_is_not(
    books: BookMaker,
) -> None:
    built = books.ledger("""
        GOOD 10:00 yes 2 @ 0.40 fee 0.04
        GOOD 12:00 settles yes
        NETTED 10:00 yes 2 @ 0.40 fee 0.04
        NETTED 11:00 no 2 @ 0.40 fee 0.04
        NETTED 12:00 settles yes
        MISSING 10:00 yes 2 @ 0.40 fee 0.04
        MISSING 12:00 settles yes revenue 0.00
        DIFFERS 10:00 yes 2 @ 0.40 fee 0.04
        DIFFERS 12:00 settles yes revenue 1.00
        COUNTS 12:00 settles yes yes 3.00
    """)
    rows = {row["subject"]: row for row in canaries(built)}
    assert {subject: row["rule"] for subject, row in rows.items()} == {
        "MISSING": "revenue_missing",
        "DIFFERS": "revenue_differs",
        "COUNTS": "revenue_missing",
    }
    assert (rows["MISSING"]["found"], rows["MISSING"]["expected"]) == (0, 2)
    assert (rows["DIFFERS"]["found"], rows["DIFFERS"]["expected"]) == (1, 2)
    assert rows["COUNTS"]["expected"] is None
    assert built.value("SELECT position FROM canary WHERE subject = 'MISSING'") == built.value(
        "SELECT position FROM settlement WHERE instrument_id = 'MISSING'"
    )


def settled(result: str, value: int | None, ticker: str = TICKER) -> NewEvent:
    ending = Ending(ticker, "scalar" if value else "yes", value, NOW + timedelta(hours=9))
    payload = json.loads(settlement_json(ending, (), "5"))
    payload |= {"market_result": result, "value": 100 if value is None else value}
    return event("kalshi.settlement", json.dumps(payload))


@pytest.mark.parametrize(
    ("result", "value", "alarm"),
    [("", 100, True), ("", 0, True), ("", 45, False), ("scalar", 45, False), ("yes", 100, False)],
)
def test_a_settlement_without_a_result_that_pays_like_one_is_a_canary(
    books: BookMaker, result: str, value: int, *, alarm: bool
) -> None:
    built = books.build([settled(result, value)])
    assert [row["rule"] for row in canaries(built)] == ["result_missing"] * alarm


@pytest.mark.parametrize(
    ("status", "result", "settles", "alarm"),
    [
        ("finalized", None, "yes", True),
        ("finalized", "yes", "yes", False),
        # open markets have none, and until January 2026 neither had scalar ones
        ("active", None, "yes", False),
        ("finalized", None, "scalar", False),
    ],
)
def test_a_final_market_without_a_result_is_a_canary_if_it_settled_yes_or_no(
    books: BookMaker, status: str, result: Result | None, settles: str, *, alarm: bool
) -> None:
    listing = replace(LISTING, status=status, result=result)
    value = 45 if settles == "scalar" else None
    built = books.build(
        [event("kalshi.market", market_json(listing, "5")), settled(settles, value)]
    )
    assert [row["rule"] for row in canaries(built)] == ["market_result_missing"] * alarm


@pytest.mark.parametrize(
    ("status", "until", "alarm"),
    [
        ("finalized", timedelta(days=1), True),
        # its settlement may still come
        ("finalized", timedelta(hours=-1), False),
        ("active", timedelta(days=1), False),
    ],
)
def test_a_position_in_a_market_that_has_ended_is_a_canary_unless_it_settled(
    books: BookMaker, status: str, until: timedelta, *, alarm: bool
) -> None:
    changed = LISTING.updated_at
    events = [
        fill(at=changed - timedelta(days=1), fee=dec("0.18")),
        event("kalshi.market", market_json(replace(LISTING, status=status), "5")),
        fetch("settlements", (changed - timedelta(days=9), changed + until), at=changed + until),
    ]
    assert [row["rule"] for row in canaries(books.build(events))] == ["settlement_missing"] * alarm
    ending = Ending(TICKER, "no", None, changed)
    settlement = event("kalshi.settlement", settlement_json(ending, (), "5"))
    rules = {row["rule"] for row in canaries(books.build([*events, settlement]))}
    assert "settlement_missing" not in rules


# --- subaccounts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subaccount", "named", "hours", "alarm"),
    [(2, False, 1, True), (2, True, 1, False), (0, False, 1, False), (2, False, -1, False)],
)
def test_a_fill_without_a_subaccount_is_a_canary_where_the_account_has_several(
    books: BookMaker, subaccount: int, hours: int, *, named: bool, alarm: bool
) -> None:
    traded = fill(at=NOW + timedelta(hours=hours), fee=dec("0.18"))
    if not named:
        payload = json.loads(payload_bytes(traded.state))
        del payload["subaccount_number"]
        traded = event(FILL, json.dumps(payload))
    built = books.build([listed("1.00", NOW, subaccount=subaccount), traded])
    told = [row["rule"] for row in canaries(built)]
    assert told == ["subaccount_missing"] * alarm


# --- fees ----------------------------------------------------------------------------------------


def series(told_at: datetime = NOW, **changes: Any) -> NewEvent:  # noqa: ANN401 - fields
    truth = Series(**{"ticker": "KXHIGHNY"} | changes)
    return event("kalshi.series", series_json(truth, "5"), received_at=told_at)


def fill(**changes: Any) -> NewEvent:  # noqa: ANN401 - fields of an execution
    """Ten YES at 0.50 by a taker: 0.07 * 10 * 0.25 = 0.175 by the formula."""
    fields: dict[str, Any] = {
        "fill_id": "free",
        "order_id": "o",
        "client_order_id": None,
        "ticker": TICKER,
        "acquired": "yes",
        "action": "buy",
        "quantity": Decimal(10),
        "yes_price": dec("0.5"),
        "taker": True,
        "fee": Decimal(0),
        "at": NOW,
    }
    return event(FILL, fill_json(Execution(**fields | changes), "5"))


def expected(built: Built) -> Decimal | None:
    rows = canaries(built)
    assert all(row["rule"] == "fee_zero" and row["found"] == 0 for row in rows)
    return rows[0]["expected"] if rows else None


def test_a_fill_without_a_fee_in_a_series_that_charges_is_a_canary(books: BookMaker) -> None:
    built = books.build([series(), fill()])
    assert canaries(built) == [
        {
            "rule": "fee_zero",
            "subject": f"KXHIGHNY {NOW:%Y-%m-%d}",
            "found": 0,
            "expected": dec("0.175"),
        }
    ]
    assert built.value("SELECT position FROM canary") == 2


@pytest.mark.parametrize(
    ("kind", "taker", "due"),
    [
        ({"fee_multiplier": dec("2")}, True, "0.35"),
        ({"fee_multiplier": dec("0.5")}, True, "0.0875"),
        ({"fee_multiplier": dec("0")}, True, None),
        ({}, False, None),
        ({"fee_type": "quadratic_with_maker_fees"}, False, "0.04375"),
        ({"fee_type": "quadratic_with_maker_fees"}, True, "0.175"),
        ({"fee_type": "quadratic_with_combo_maker_fees"}, False, "0.0875"),
        ({"fee_type": "flat"}, True, None),
        ({"fee_type": "something new"}, True, None),
        ({"ticker": "KXOTHER"}, True, None),
    ],
)
def test_what_a_series_charges_decides(
    books: BookMaker, kind: dict[str, Any], due: str | None, *, taker: bool
) -> None:
    found = expected(books.build([series(**kind), fill(taker=taker)]))
    assert found == (None if due is None else dec(due))


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({"fee": dec("0.01")}, None),
        ({"quantity": Decimal(1), "yes_price": dec("0.17")}, None),  # 0.009877
        ({"quantity": Decimal(1), "yes_price": dec("0.18")}, "0.010332"),
        ({"quantity": dec("0.57"), "yes_price": dec("0.5")}, None),  # 0.009975
        ({"quantity": Decimal(4), "yes_price": dec("0.01")}, None),
        ({"quantity": Decimal(100), "yes_price": dec("0.99"), "acquired": "no"}, "0.0693"),
    ],
)
def test_only_a_fee_of_a_cent_and_more_is_missed(
    books: BookMaker, changes: dict[str, Any], due: str | None
) -> None:
    found = expected(books.build([series(), fill(**changes)]))
    assert found == (None if due is None else dec(due))


@pytest.mark.parametrize(("early", "alarm"), [(0, True), (1, False)])
def test_what_a_series_charged_before_it_was_told_is_not_known(
    books: BookMaker, early: int, *, alarm: bool
) -> None:
    told_at = NOW + timedelta(days=2) + early * SECOND
    built = books.build([series(told_at), fill()])
    assert bool(canaries(built)) == alarm


@pytest.mark.parametrize(("seconds", "alarm"), [(1, False), (0, True), (-1, True)])
def test_a_waived_fee_is_not_missed(books: BookMaker, seconds: int, *, alarm: bool) -> None:
    until = (NOW + seconds * SECOND).isoformat()
    row = json.loads(market_json(LISTING, "5")) | {"fee_waiver_expiration_time": until}
    built = books.build([series(), event("kalshi.market", json.dumps(row)), fill()])
    assert bool(canaries(built)) == alarm


def test_a_fee_that_nobody_has_stated_is_pending_and_no_canary(books: BookMaker) -> None:
    silent = ledger(f"{TICKER} 10:00 yes 10 @ 0.50")
    assert canaries(books.build([series(NOW - timedelta(days=300)), *silent])) == []


def test_fills_that_paid_what_their_series_charges_are_no_canaries(books: BookMaker) -> None:
    """Random fills in series of every sort, each with the fee of an independent rule."""

    def made() -> Iterator[NewEvent]:
        random = Random(5)
        kinds = ("quadratic", "quadratic_with_maker_fees")
        for number in range(300):
            truth = Series(
                f"KX{number}", random.choice(kinds), Decimal(random.choice((0, 1, 2))) / 2
            )
            yield event("kalshi.series", series_json(truth, "5"))
            quantity, price = Decimal(random.randint(1, 900)) / 100, random.randint(1, 99)
            taker = random.random() < 0.5
            yield fill(
                fill_id=f"f{number}",
                ticker=f"KX{number}-1-T1",
                quantity=quantity,
                yes_price=Decimal(price) / 100,
                taker=taker,
                fee=truth.fee(quantity, Decimal(price) / 100, taker=taker),
            )

    built = books.build(list(made()))
    assert built.value("SELECT count(*) FROM fill WHERE fee = 0") > 50
    assert canaries(built) == []


# --- balances of one moment ----------------------------------------------------------------------


def parts(*events: NewEvent) -> list[NewEvent]:
    """Return a whole of 10.00 beside what is said of its shards."""
    return [balance("10", NOW, value=300), *events]


def test_shards_that_add_up_are_no_canary(books: BookMaker) -> None:
    events = parts(
        balance("7", NOW, shard=0, value=100),
        balance("3", NOW, shard=1, value=200),
        listed("7.0000", NOW),
        listed("3.0000", NOW, shard=1),
        # another subaccount, and another moment, are not part of it
        balance("5", NOW, subaccount=1, shard=1, value=200),
        listed("2.0000", NOW + SECOND),
    )
    assert canaries(books.build(events)) == []


def test_shards_that_do_not_add_up_are_a_canary(books: BookMaker) -> None:
    events = parts(balance("7", NOW, shard=0, value=1), balance("2.9999", NOW, shard=1, value=2))
    (row,) = canaries(books.build(events))
    assert row == {
        "rule": "balance_parts",
        "subject": "subaccount 0",
        "found": 10,
        "expected": dec("9.9999"),
    }


@pytest.mark.parametrize(("cash", "alarm"), [("9.99", False), ("9.98", True), ("10.02", True)])
def test_whole_cents_may_be_off_by_one_a_shard(books: BookMaker, cash: str, *, alarm: bool) -> None:
    shards = [
        balance(dec(cash) - 5, NOW, shard=0, exact=False, value=1),
        balance("5", NOW, shard=1, exact=False, value=2),
    ]
    assert bool(canaries(books.build(parts(*shards)))) == alarm


def test_a_list_of_subaccounts_that_says_another_balance_is_a_canary(books: BookMaker) -> None:
    events = parts(
        listed("7.0000", NOW),
        listed("3.0001", NOW, shard=1),
        balance("4", NOW, subaccount=2),
        listed("4.0000", NOW, subaccount=2),
    )
    (row,) = canaries(books.build(events))
    assert (row["rule"], row["found"], row["expected"]) == (
        "subaccount_balance_differs",
        10,
        dec("10.0001"),
    )
    assert row["subject"] == "subaccount 0"


def deposit(at: datetime) -> NewEvent:
    cash = Cash("d", 100, 0, "applied", "ach", at, at)
    return event("kalshi.deposit", deposit_json(cash))


@pytest.mark.parametrize(("seconds", "alarm"), [(0, True), (1, False), (2, False), (3, True)])
def test_cash_that_moves_while_they_are_asked_for_explains_a_difference(
    books: BookMaker, seconds: int, *, alarm: bool
) -> None:
    late = balance("9", NOW, shard=0, received_at=NOW + 2 * SECOND)
    rows = canaries(
        books.build([*parts(late, listed("9.0000", NOW)), deposit(NOW + seconds * SECOND)])
    )
    by_rule = {row["rule"] for row in rows}
    assert ("balance_parts" in by_rule) == alarm
    # the list came at once
    assert "subaccount_balance_differs" in by_rule


@pytest.mark.parametrize(
    ("values", "alarm"),
    [
        ((300, 0), False),
        ((300, 1), True),
        ((1, 300), True),
        ((300, 300), True),
        ((100, 200), False),
        ((100, 201), False),
    ],
)
def test_a_portfolio_value_of_one_shard_alone_is_a_canary(
    books: BookMaker, values: tuple[int, int], *, alarm: bool
) -> None:
    shards = [balance("5", NOW, shard=it, value=values[it]) for it in (0, 1)]
    rows = canaries(books.build(parts(*shards)))
    assert [row["rule"] for row in rows] == ["portfolio_value_scoped"] * alarm
    if alarm:
        assert (rows[0]["found"], rows[0]["expected"]) == (3, Decimal(sum(values)) / 100)


def test_the_saved_query_lists_canaries_with_the_difference(books: BookMaker) -> None:
    built = books.build([series(), fill()])
    (row,) = query.run(built.connection, query.saved_query("canaries").sql).to_pylist()
    assert (row["rule"], row["differs"], row["position"]) == ("fee_zero", dec("-0.175"), 2)
