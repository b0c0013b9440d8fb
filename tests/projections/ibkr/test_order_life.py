"""What became of an order: its fills decide, and a status takes nothing away from them."""

import json
from datetime import timedelta
from typing import Any

import pytest

from domain.event import NewEvent, Owner
from domain.ibkr import messages
from tests.books import NOW, BookMaker, dec, event
from tests.projections.ibkr.tables import AT, Row, Tables


def fill(tables: Tables, fill_id: str, quantity: str, **more: Any) -> None:  # noqa: ANN401
    row = {"order_id": "o", "instrument_id": "S", "side": "buy", "price": "2.5", "fee": "0.5"}
    row |= {"fill_id": fill_id, "quantity": quantity}
    tables.add("fill", **(row | more))


def told(tables: Tables, status: str | None, **more: Any) -> None:  # noqa: ANN401
    tables.add("merged_order_state", order_id="o", status=status, **more)


def life(tables: Tables) -> Row:
    tables.run("order_life")
    tables.check("order_life")
    return tables.one("SELECT * FROM order_life")


@pytest.mark.parametrize("status", ["Cancelled", "ApiCancelled", "Inactive", "canceled"])
def test_a_part_that_was_filled_before_a_reject_keeps_size_cost_and_entries(
    tables: Tables, status: str
) -> None:
    fill(tables, "a", "2", multiplier=100)
    fill(tables, "b", "1", multiplier=100, price="2.6", executed_at=AT + timedelta(minutes=1))
    told(tables, status, initial_quantity=10, filled_quantity=3, client_order_id="bot-1")
    row = life(tables)
    assert (row["state"], row["agreement"]) == ("partly_filled", "agrees")
    assert (row["asked_quantity"], row["filled_quantity"], row["fills"]) == (10, 3, 2)
    assert (row["cost"], row["fees"]) == (dec("760"), 1)
    assert row["average_price"] == dec("2.533333333")
    assert (row["instrument_id"], row["client_order_id"]) == ("S", "bot-1")
    assert row["last_fill_at"] - row["first_fill_at"] == timedelta(minutes=1)


def test_the_status_of_a_reject_may_forget_what_was_filled(tables: Tables) -> None:
    fill(tables, "a", "2")
    told(tables, "Cancelled", initial_quantity=10, filled_quantity=0)
    row = life(tables)
    assert (row["state"], row["agreement"]) == ("partly_filled", "state_behind")
    assert row["filled_quantity"] == 2


@pytest.mark.parametrize(
    ("status", "asked", "filled", "state"),
    [
        ("Submitted", 10, 0, "working"),
        ("PreSubmitted", 10, 0, "working"),
        ("PendingCancel", 10, 0, "working"),
        ("resting", 10, 0, "working"),
        ("Cancelled", 10, 0, "ended_unfilled"),
        ("Inactive", None, 0, "ended_unfilled"),
        ("Filled", 10, 10, "filled"),
        ("executed", 10, 10, "filled"),
        (None, 10, None, "unknown"),
    ],
)
def test_an_order_without_fills_is_what_its_status_says(
    tables: Tables, status: str | None, asked: int | None, filled: int | None, state: str
) -> None:
    told(tables, status, initial_quantity=asked, filled_quantity=filled)
    row = life(tables)
    assert (row["state"], row["filled_quantity"], row["fills"]) == (state, 0, 0)
    assert (row["cost"], row["fees"], row["average_price"]) == (None, None, None)


def test_fills_that_the_ledger_lacks_are_named(tables: Tables) -> None:
    told(tables, "Filled", initial_quantity=10, filled_quantity=10)
    assert life(tables)["agreement"] == "fills_missing"


def test_an_order_that_is_filled_in_full_is_filled_before_its_status_says_so(
    tables: Tables,
) -> None:
    fill(tables, "a", "10")
    told(tables, "Submitted", filled_quantity=4, remaining_quantity=6)
    row = life(tables)
    assert (row["asked_quantity"], row["state"], row["agreement"]) == (
        10,
        "filled",
        "state_behind",
    )


def test_fills_of_which_no_state_was_told_are_an_order_too(tables: Tables) -> None:
    fill(tables, "a", "4", side="sell", fee=None, client_order_id="bot-2")
    row = life(tables)
    assert (row["state"], row["agreement"], row["status"]) == ("unknown", "unknown", None)
    assert (row["cost"], row["fees"], row["client_order_id"]) == (-10, None, "bot-2")


def test_a_cancel_of_a_statement_belongs_to_the_order_of_its_number(tables: Tables) -> None:
    fill(tables, "x.01", "2", statement_order_id="77")
    fill(tables, "c", "2", side="sell", booking="cancel", order_id=None, statement_order_id="77")
    fill(tables, "x.02", "1", order_id=None, statement_order_id="77")
    row = life(tables)
    assert (row["filled_quantity"], row["fills"], row["cost"]) == (1, 2, dec("2.5"))


def test_a_combination_counts_in_combinations_and_costs_its_legs(tables: Tables) -> None:
    told(tables, "Filled", initial_quantity=3, filled_quantity=3, instrument_id="BAG-1")
    bag = {"order_id": "o", "instrument_id": "BAG-1", "reason": "combination", "side": "buy"}
    tables.add("set_aside", fill_id="bag", quantity=3, price="0.4", executed_at=AT, **bag)
    fill(tables, "leg-1", "3", instrument_id="L1", price="1.4")
    fill(tables, "leg-2", "3", instrument_id="L2", side="sell", price="1")
    row = life(tables)
    assert (row["filled_quantity"], row["fills"], row["agreement"]) == (3, 1, "agrees")
    assert (row["instrument_id"], row["average_price"]) == ("BAG-1", dec("0.4"))
    assert (row["cost"], row["fees"]) == (dec("1.2"), 1)


def test_fees_in_two_currencies_have_no_sum(tables: Tables) -> None:
    fill(tables, "a", "1")
    fill(tables, "b", "1", fee_currency="CHF")
    assert life(tables)["fees"] is None


def message(kind: str, minutes: int, **fields: str) -> NewEvent:
    """Return a message of the socket; what is not said is 0, or empty."""
    row = {name: "" for name in messages.FIELDS[kind] if name != messages.REQUEST}
    row |= {name: "0" for name in ("orderId", "clientId", "lmtPrice", "parentId") if name in row}
    assert fields.keys() <= row.keys(), fields.keys() - row.keys()
    return event(
        kind,
        json.dumps(row | fields),
        owner=Owner("DU1", "paper"),
        received_at=NOW + timedelta(minutes=minutes),
    )


def test_a_reject_behind_a_partial_fill_leaves_a_whole_position(shelf: BookMaker) -> None:
    """An order for 10 of which 3 were filled is 3 contracts at their cost, and an entry."""
    option = {"conId": "55", "symbol": "SPY", "secType": "OPT", "lastTradeDate": "20261218"}
    option |= {"strike": "630.0", "right": "C", "multiplier": "100", "currency": "USD"}
    order = {"permId": "9", "orderId": "4", "clientId": "1"}
    built = shelf.build(
        [
            message(
                messages.OPEN_ORDER,
                0,
                **option,
                **order,
                account="DU1",
                action="BUY",
                totalQuantity="10",
                orderType="LMT",
                lmtPrice="1.25",
                orderRef="bot-1",
            ),
            message(
                messages.EXECUTION,
                1,
                **option,
                **order,
                account="DU1",
                execId="0000e0d5.6a0a0001.01.01",
                time="20261120 10:00:01 US/Eastern",
                side="BOT",
                shares="3",
                price="1.25",
                cumQty="3",
                avgPrice="1.25",
                orderRef="bot-1",
            ),
            message(
                messages.COMMISSION_REPORT,
                2,
                version="1",
                execId="0000e0d5.6a0a0001.01.01",
                commission="2.1",
                currency="USD",
                realizedPNL="1.7976931348623157E308",
            ),
            message(
                messages.ORDER_STATUS,
                3,
                **order,
                status="Inactive",
                filled="3",
                remaining="7",
                avgFillPrice="1.25",
            ),
        ]
    )
    assert built.rows("SELECT reason, column_name, offending FROM unreadable") == []
    row = built.one("SELECT * FROM order_life")
    assert (row["order_id"], row["status"], row["state"]) == ("9", "Inactive", "partly_filled")
    assert (row["asked_quantity"], row["filled_quantity"], row["fills"]) == (10, 3, 1)
    assert (row["cost"], row["fees"], row["average_price"]) == (375, dec("2.1"), dec("1.25"))
    assert (row["agreement"], row["client_order_id"]) == ("agrees", "bot-1")
    position = built.one("SELECT quantity, cost FROM position")
    assert (position["quantity"], position["cost"]) == (3, 375)
