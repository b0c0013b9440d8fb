"""What the ledger of IBKR lacks."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest

from tests.projections.ibkr.tables import Tables


@pytest.fixture
def tables(tables: Tables) -> Tables:
    """Give empty tables, the working table of what changed a position among them."""
    tables.connection.execute(
        "CREATE TEMP TABLE quantity_change (venue VARCHAR, account VARCHAR, mode VARCHAR,"
        " instrument_id VARCHAR, moment TIMESTAMPTZ, units BIGINT)"
    )
    return tables


def fill(tables: Tables, fill_id: str, booking: str, **more: Any) -> None:  # noqa: ANN401
    row = {"instrument_id": "C", "side": "sell", "quantity": 1, "price": 0, "asset_class": "OPT"}
    tables.add("fill", fill_id=fill_id, booking=booking, **(row | more))


def action(tables: Tables, row_id: str, action_type: str | None, quantity: int) -> None:
    told = {"instrument_id": "S", "proceeds": 0, "report_date": date(2025, 3, 10)}
    tables.add(
        "merged_corporate_action", row_id=row_id, action_type=action_type, quantity=quantity, **told
    )


def found(tables: Tables) -> list[tuple[str, str]]:
    tables.connection.execute("DELETE FROM canary")
    tables.run("canary_ibkr")
    tables.check("canary")
    rows = tables.rows("SELECT rule, subject FROM canary ORDER BY ALL")
    return [(row["rule"], row["subject"]) for row in rows]


def test_a_position_from_before_the_first_row_is_told_with_its_size(tables: Tables) -> None:
    tables.add("opening", instrument_id="S", quantity="-4")
    tables.add("instrument", instrument_id="S", symbol="XYZ")
    assert found(tables) == [("opening_missing", "S")]
    detail = tables.one("SELECT detail FROM canary")["detail"]
    assert detail == (
        "XYZ: -4 held before the first row of 2025-03-10 (closing); nobody told what they cost"
    )


@pytest.mark.parametrize("booking", ["exercise", "assignment"])
def test_an_option_that_ended_in_shares_needs_their_row(tables: Tables, booking: str) -> None:
    fill(tables, "alone", booking)
    fill(tables, "paired", booking)
    fill(tables, "paid", booking, price="12.5")
    fill(tables, "settled", booking, broker_trade_id="9")
    fill(tables, "shares", booking, asset_class="STK", price=100)
    fill(tables, "expired", "expiry")
    tables.add(
        "carried_premium",
        fill_id="paired",
        instrument_id="C",
        into_fill_id="shares",
        into_instrument_id="S",
        premium=1,
    )
    tables.add(
        "merged_option_event",
        trade_id="9",
        event_type="Cash Settlement",
        instrument_id="C",
        quantity=1,
        day=date(2025, 3, 10),
    )
    assert found(tables) == [("exercise_unpaired", "alone")]


def test_a_cancel_needs_its_original(tables: Tables) -> None:
    fill(tables, "original", "execution", broker_trade_id="1")
    fill(tables, "matched", "cancel", cancels_trade_id="1")
    fill(tables, "other", "cancel", cancels_trade_id="2")
    fill(tables, "nameless", "cancel")
    assert found(tables) == [("cancel_unmatched", "nameless"), ("cancel_unmatched", "other")]


def test_a_corporate_action_of_a_sort_without_a_rule_is_told(tables: Tables) -> None:
    action(tables, "split", "FS", 3)
    action(tables, "spin-off", "SO", 3)
    action(tables, "old", None, -3)
    action(tables, "cash", "DI", 0)
    assert found(tables) == [("action_unread", "old"), ("action_unread", "spin-off")]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"quantity": 3, "price": "10", "proceeds": "30"}, False),
        ({"quantity": 3, "price": "10", "proceeds": "30.04"}, False),
        ({"quantity": 3, "price": "10", "proceeds": "30.041"}, True),
        ({"quantity": 3, "price": "10", "proceeds": "-30"}, True),
        ({"quantity": 3, "price": "10", "side": "buy", "proceeds": "-30"}, False),
        ({"quantity": 3, "price": "10"}, False),
        # quoted in percent
        ({"quantity": 10000, "price": "99.5", "asset_class": "BOND", "proceeds": "9950"}, True),
        ({"quantity": 1, "price": "0.3", "multiplier": 100, "proceeds": "30"}, False),
        ({"quantity": 1, "price": "4000", "asset_class": "FUT", "proceeds": "0"}, False),
        ({"quantity": 1, "price": "1.1", "asset_class": "CASH", "proceeds": "2"}, False),
        ({"quantity": 9999999, "price": "100000", "proceeds": "0"}, True),
    ],
)
def test_what_a_row_brought_is_its_quantity_at_its_price(
    tables: Tables, row: dict[str, Any], *, told: bool
) -> None:
    fill(tables, "row", "execution", **row)
    assert found(tables) == [("worth_differs", "row")] * told


def test_what_a_row_should_have_brought_is_told(tables: Tables) -> None:
    bond = {"asset_class": "BOND", "symbol": "T 4", "quantity": 10000, "price": "99.5"}
    fill(tables, "bond", "execution", side="buy", proceeds=-9950, **bond)
    tables.run("canary_ibkr")
    canary = tables.one("SELECT found, expected, detail FROM canary")
    assert (canary["found"], canary["expected"]) == (-9950, -995000)
    assert canary["detail"] == "T 4: proceeds of 10000 at 99.5 with multiplier 1"


NOON: Final = datetime(2025, 3, 10, 12, tzinfo=UTC)


def held(
    tables: Tables, instrument: str, quantity: int, minutes: float = 0, account: str = "U1"
) -> None:
    """Put in a change of what is held."""
    moment = NOON + timedelta(minutes=minutes)
    tables.connection.execute(
        "INSERT INTO quantity_change BY NAME SELECT 'ibkr' AS venue, ? AS account, 'live' AS mode,"
        " ? AS instrument_id, ?::TIMESTAMPTZ AS moment, ?::BIGINT * 100000000 AS units",
        [account, instrument, moment, quantity],
    ).fetchall()


def stated(
    tables: Tables,
    instrument: str,
    quantity: int,
    minutes: float = 60,
    **more: Any,  # noqa: ANN401
) -> None:
    """Put in a position of the socket."""
    moment = NOON + timedelta(minutes=minutes)
    told = {"instrument_id": instrument, "quantity": quantity, "as_of": moment, "told_by": "socket"}
    tables.add("merged_position_snapshot", **(told | more))


def asked(tables: Tables, minutes: float = 60, **more: Any) -> None:  # noqa: ANN401
    """Put in a round that asked for all positions; it takes a minute."""
    begun = NOON + timedelta(minutes=minutes)
    told: dict[str, Any] = {"document": str(begun), "broker": "ibkr", "state": "complete"}
    told |= {"stream": "positions", "started_at": begun, "ended_at": begun + timedelta(minutes=1)}
    tables.add("merged_fetch_log", **(told | {"adapter": "ibkr/1", "pages": 1, "rows": 1} | more))


def test_what_the_socket_says_is_held_is_what_the_rows_leave(tables: Tables) -> None:
    tables.add("opening", instrument_id="S", quantity="-4")
    tables.add("instrument", instrument_id="S", symbol="XYZ")
    held(tables, "S", 10)
    stated(tables, "S", 6)
    assert ("position_socket_differs", "S") not in found(tables)
    stated(tables, "S", 7, 61)
    tables.run("canary_ibkr")
    canary = tables.one("SELECT * FROM canary WHERE rule = 'position_socket_differs'")
    assert (canary["subject"], canary["found"], canary["expected"]) == ("S", 7, 6)
    assert canary["detail"] == (
        "XYZ: the position that the socket told at 2025-03-10T13:01:00.000000Z"
        " beside the rows up to then"
    )


def test_what_comes_later_or_is_a_currency_is_not_compared(tables: Tables) -> None:
    held(tables, "S", 10)
    held(tables, "S", 10, 61)
    stated(tables, "S", 10)
    stated(tables, "E", 99, asset_class="CASH")
    stated(tables, "T", 5, told_by="statement")
    assert found(tables) == []


def test_what_is_traded_in_the_same_seconds_may_be_in_it_or_not(tables: Tables) -> None:
    held(tables, "S", 10, 60.1)
    held(tables, "T", 10, 59.9)
    held(tables, "U", 10, 59)
    for name in "STU":
        stated(tables, name, 0)
    assert found(tables) == [("position_socket_differs", "U")]


def test_what_a_whole_list_leaves_out_is_not_held(tables: Tables) -> None:
    held(tables, "S", 10)
    held(tables, "T", 10)
    stated(tables, "T", 10, 30)
    stated(tables, "U", 0, 60)
    assert found(tables) == []
    asked(tables, 60)
    assert found(tables) == [("position_socket_differs", "S"), ("position_socket_differs", "T")]


def test_a_list_that_broke_off_leaves_nothing_out(tables: Tables) -> None:
    held(tables, "S", 10)
    asked(tables, 60, state="incomplete")
    asked(tables, 60, document="orders", stream="open_orders")
    assert found(tables) == []


def test_an_empty_list_says_that_nothing_is_held(tables: Tables) -> None:
    held(tables, "S", 10)
    held(tables, "T", 10)
    held(tables, "T", -10, 5)
    asked(tables, 60)
    assert found(tables) == [("position_socket_differs", "S")]


def test_the_socket_tells_of_an_account_with_its_segments(tables: Tables) -> None:
    held(tables, "S", 10)
    held(tables, "S", 5, account="U1F")
    stated(tables, "S", 15)
    asked(tables, 60)
    assert found(tables) == []


def test_an_execution_is_in_an_account_or_in_a_segment_of_it(tables: Tables) -> None:
    for account in ("U1", "U1F", "U12"):
        fill(tables, "one", "execution", account=account, symbol="ES")
    fill(tables, "other", "execution", account="U2F")
    assert found(tables) == [("execution_in_two_accounts", "one")]
    canary = tables.one("SELECT account, detail FROM canary")
    assert canary == {"account": "U1F", "detail": "1 of ES stand in U1 too"}
