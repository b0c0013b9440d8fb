"""Renderings that know more or less of one thing: order of arrival must not decide."""

import json
from typing import Any, Final

import pytest

from domain.event import NewEvent
from tests.books import FILL, SETTLEMENT, BookMaker, dec, event, ledger
from tests.made.samples import samples

(FIRST,) = ledger("A 10:00 yes 3.5 @ 0.62 fee 0.17 as bot-1")
PAYLOAD: Final[dict[str, Any]] = json.loads(FIRST.state)["payload"]
MARKET: Final = "kalshi.market"


def fill(**changes: object) -> NewEvent:
    kept = {key: value for key, value in (PAYLOAD | changes).items() if value is not None}
    return event(FILL, json.dumps(kept))


def old_dump() -> NewEvent:
    """Return the same fill as an old dump has it: whole contracts, no fee."""
    row = {
        "trade_id": PAYLOAD["trade_id"],
        "order_id": PAYLOAD["order_id"],
        "ticker": "A",
        "side": "yes",
        "action": "buy",
        "count": 3,
        "yes_price": 62,
        "no_price": 38,
        "is_taker": True,
        "created_time": PAYLOAD["created_time"],
    }
    return event(FILL, json.dumps(row))


@pytest.mark.parametrize("late", [True, False])
def test_an_old_dump_that_is_found_later_does_not_beat_a_finer_rendering(
    books: BookMaker, *, late: bool
) -> None:
    events = [fill(), old_dump()] if late else [old_dump(), fill()]
    built = books.build(events)
    assert built.value("SELECT quantity FROM fill") == dec("3.5")
    assert built.value("SELECT fee FROM fill") == dec("0.17")


def test_a_rendering_that_names_no_subaccount_does_not_move_the_fill(books: BookMaker) -> None:
    built = books.build([fill(subaccount_number=3), fill(subaccount_number=None)])
    assert built.value("SELECT subaccount FROM fill") == 3
    assert built.rows("restatement") == []


def test_a_fill_whose_subaccount_nobody_names_is_of_the_primary_one(books: BookMaker) -> None:
    assert books.build([fill(subaccount_number=None)]).value("SELECT subaccount FROM fill") == 0


def test_a_side_that_contradicts_the_outcome_side_is_unreadable(books: BookMaker) -> None:
    built = books.build([fill(side="no")])
    assert built.value("SELECT reason FROM unreadable") == "contradiction"
    assert "outcome_side yes with side no" in built.value("SELECT offending FROM unreadable")


def deposit(**changes: object) -> NewEvent:
    row = {
        "id": "d",
        "status": "applied",
        "type": "ach",
        "amount_cents": 1000,
        "fee_cents": 0,
        "created_ts": 1789801739,
        "finalized_ts": 1789801739,
    }
    return event("kalshi.deposit", json.dumps(row | changes))


def test_a_deposit_that_was_applied_and_then_returned_is_a_restatement_of_cash(
    books: BookMaker,
) -> None:
    returned = deposit(status="returned", finalized_ts=1789900000)
    built = books.build([deposit(), returned])
    assert built.rows("cash_ledger") == []
    row = built.one("SELECT change, columns, cash_difference FROM restatement")
    assert row == {"change": "changed", "columns": "status", "cash_difference": dec("-10")}


def test_a_deposit_on_its_way_to_being_applied_is_no_restatement(books: BookMaker) -> None:
    built = books.build([deposit(status="pending", finalized_ts=None), deposit()])
    assert built.rows("restatement") == []
    assert built.value("SELECT amount FROM cash_ledger") == 10


def market(**changes: object) -> NewEvent:
    text = next(text for kind, phase, text in samples() if (kind, phase) == (MARKET, "5"))
    return event(MARKET, json.dumps(json.loads(text) | changes))


@pytest.mark.parametrize("late", [True, False])
def test_a_market_stays_finalized_when_an_older_page_of_it_comes_later(
    books: BookMaker, *, late: bool
) -> None:
    older = market(status="active", result="", updated_time="2026-09-01T00:00:00Z")
    newer = market(status="finalized", result="yes", updated_time="2026-09-02T00:00:00Z")
    built = books.build([newer, older] if late else [older, newer])
    assert built.one("SELECT status, result FROM market") == {
        "status": "finalized",
        "result": "yes",
    }
    assert built.rows("restatement") == []


@pytest.mark.parametrize(("revenue", "state"), [(0, "missing"), (1000, "agrees"), (900, "differs")])
def test_a_settlement_without_fills_is_checked_against_its_own_counts(
    books: BookMaker, revenue: int, state: str
) -> None:
    (_, told) = ledger("A 10:00 yes 10 @ 0.62 fee 0 \n A 12:00 settles yes")
    row = json.loads(told.state)["payload"] | {"revenue": revenue}
    built = books.build([event(SETTLEMENT, json.dumps(row))])
    assert built.one("SELECT fills_state, revenue_state FROM settlement") == {
        "fills_state": "none",
        "revenue_state": state,
    }


def test_shapes_are_counted_by_the_month_in_which_they_came(books: BookMaker) -> None:
    built = books.build([fill(), old_dump()])
    rows = built.rows("SELECT kind, month, events FROM shape_month ORDER BY events")
    assert [(row["kind"], row["month"], row["events"]) for row in rows] == [
        (FILL, "2026-11", 1),
        (FILL, "2026-11", 1),
    ]
