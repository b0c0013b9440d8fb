"""One truth, told in the words of every generation, in any order, once or many times."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.event import NewEvent
from tests.books import FILL, NOW, SETTLEMENT, BookMaker, Built, Row, event
from tools.fake_kalshi.payloads import (
    PHASES,
    Cash,
    Ending,
    Execution,
    Order,
    deposit_json,
    fill_json,
    order_json,
    settlement_json,
)

STATING_FEES: Final = ("2", "3a", "3b", "4", "5")
SILENT: Final = ("0", "1", "2-early")
BELOW: Final = ("lot_match", "open_lot", "position", "trade", "cash_ledger", "daily_pnl")
NOT_IN_ALL: Final = {
    "fill": {
        "position",
        "fee",
        "fee_state",
        "client_order_id",
        "client_order_evidence",
        "client_order_position",
        "exchange_index",
        "subaccount_named",
    },
    "settlement": {"position", "fee_reported", "event", "exchange_index"},
}
TICKERS: Final = ("KXHIGHNY-26JAN12-B43.5", "KXHIGHNY-26JAN12-T47", "KXBTC15M-26JAN131530-30")


def execution(number: int, ticker: str, side: str, count: int, cents: int) -> Execution:
    return Execution(
        fill_id=f"fill-{number}",
        order_id=f"order-{number}",
        client_order_id=f"bot-{number}",
        ticker=ticker,
        acquired="yes" if side == "yes" else "no",
        action="buy",
        quantity=Decimal(count),
        yes_price=Decimal(cents) / 100,
        taker=number % 2 == 0,
        fee=Decimal(number) / 100,
        at=NOW + timedelta(minutes=number),
    )


EXECUTIONS: Final = [
    execution(1, TICKERS[0], "yes", 10, 62),
    execution(2, TICKERS[0], "no", 4, 65),
    execution(3, TICKERS[0], "no", 9, 70),
    execution(4, TICKERS[1], "yes", 7, 31),
    execution(5, TICKERS[1], "no", 7, 40),
    execution(6, TICKERS[2], "no", 3, 12),
    execution(7, TICKERS[2], "no", 2, 15),
]
ENDINGS: Final = [
    Ending(TICKERS[0], "no", None, NOW + timedelta(hours=1)),
    Ending(TICKERS[1], "yes", None, NOW + timedelta(hours=1)),
]


def told(fills: str, endings: str | None = None) -> list[NewEvent]:
    """Return the truth in the words of one generation, or of two."""
    return [
        *(event(FILL, fill_json(row, fills)) for row in EXECUTIONS),
        *(event(SETTLEMENT, settlement_json(e, EXECUTIONS, endings or fills)) for e in ENDINGS),
    ]


def stated(built: Built, table: str) -> list[Row]:
    """Return the rows of a fact table without what some generation cannot state."""
    return [
        {name: value for name, value in row.items() if name not in NOT_IN_ALL[table]}
        for row in built.rows(f"SELECT * FROM {table} ORDER BY position")
    ]


@pytest.fixture(scope="module")
def by_phase(shelf: BookMaker) -> dict[str, Built]:
    return {phase: shelf.build(told(phase)) for phase in PHASES}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("table", ["fill", "settlement"])
def test_every_generation_tells_the_same_facts(
    by_phase: dict[str, Built], phase: str, table: str
) -> None:
    assert stated(by_phase[phase], table) == stated(by_phase["5"], table)
    assert by_phase[phase].rebuilt.unreadable == 0
    assert by_phase[phase].rebuilt.additive_shapes == 0


@pytest.mark.parametrize("phase", STATING_FEES)
def test_generations_that_state_fees_give_the_same_content_below(
    by_phase: dict[str, Built], phase: str
) -> None:
    content, newest = by_phase[phase].content(), by_phase["5"].content()
    assert {name: content[name] for name in BELOW} == {name: newest[name] for name in BELOW}


TOTALS: Final = """
    SELECT instrument_id, sum(realized_gross) AS gross, sum(fees) AS fees, sum(realized_net) AS net
    FROM lot_match SEMI JOIN settlement USING (instrument_id) GROUP BY instrument_id
"""


@pytest.mark.parametrize("phase", SILENT)
def test_fees_told_by_the_settlement_alone_give_the_same_totals_of_each_market(
    books: BookMaker, by_phase: dict[str, Built], phase: str
) -> None:
    built = books.build(told(phase, "2" if phase == "2-early" else "1"))
    assert built.rows(TOTALS) == by_phase["5"].rows(TOTALS)
    silent = built.rows(
        "SELECT DISTINCT fee_state FROM fill SEMI JOIN settlement USING (instrument_id)"
    )
    assert silent == [{"fee_state": "from_settlement"}]


def test_a_book_of_the_first_generation_knows_no_fees_and_says_so(
    by_phase: dict[str, Built],
) -> None:
    built = by_phase["0"]
    assert built.rows("SELECT DISTINCT fee_state, fees, realized_net FROM lot_match") == [
        {"fee_state": "pending", "fees": None, "realized_net": None}
    ]
    gross = "SELECT sum(realized_gross) FROM lot_match"
    assert built.value(gross) == by_phase["5"].value(gross)


@pytest.mark.parametrize(("older", "newer"), [("2", "3b"), ("2", "5"), ("3a", "4")])
def test_an_old_fill_in_a_newer_shape_keeps_its_client_order_id_and_restates_nothing(
    books: BookMaker, older: str, newer: str
) -> None:
    built = books.build(told(older), told(newer))
    assert built.rows("restatement") == []
    ids = [row["client_order_id"] for row in built.rows("SELECT client_order_id FROM fill")]
    assert ids == [f"bot-{number}" for number in range(1, 8)]
    assert built.value("SELECT count(*) FROM fill") == len(EXECUTIONS)


def test_a_fee_that_a_newer_shape_states_for_the_first_time_is_a_restatement_of_money(
    books: BookMaker,
) -> None:
    built = books.build([told("1")[0]], [told("5")[0]])
    row = built.one("SELECT columns, old_values, new_values, cash_difference FROM restatement")
    assert row["columns"] == "fee"
    assert json.loads(row["old_values"]) == {"fee": None}
    assert json.loads(row["new_values"]) == {"fee": "0.010000000"}
    assert row["cash_difference"] == Decimal("-0.01")


def test_telling_everything_twice_changes_nothing(
    books: BookMaker, by_phase: dict[str, Built]
) -> None:
    built = books.build(told("4"), told("4"))
    assert built.rebuilt.meta.fingerprint == by_phase["4"].rebuilt.meta.fingerprint


def test_a_corrected_price_is_one_restatement_and_the_newest_wins(books: BookMaker) -> None:
    """Ten YES at 0.62 became ten at 0.60: twenty cents more in cash."""
    old = EXECUTIONS[0]
    new = json.loads(fill_json(old, "5")) | {
        "yes_price_dollars": "0.6000",
        "no_price_dollars": "0.4000",
    }
    built = books.build([event(FILL, fill_json(old, "5"))], [event(FILL, json.dumps(new))])
    row = built.one("restatement")
    assert (row["fact"], row["fact_id"]) == ("fill", "kalshi|main|live|fill-1")
    assert row["columns"] == "price"
    assert json.loads(row["old_values"]) == {"price": "0.620000000"}
    assert json.loads(row["new_values"]) == {"price": "0.600000000"}
    assert row["cash_difference"] == Decimal("0.20")
    assert (row["old_position"], row["new_position"]) == (1, 2)
    assert built.value("SELECT price FROM fill") == Decimal("0.60")
    assert built.value("SELECT cost FROM position") == Decimal("6.00")


def pool() -> list[NewEvent]:
    """Return the truth in several generations at once, with orders and a deposit."""
    events = [*told("2"), *told("3b"), *told("5")]
    row = EXECUTIONS[0]
    for status, filled, minute in (("resting", 0, 1), ("resting", 4, 2), ("executed", 10, 3)):
        order = Order(
            order_id=row.order_id,
            client_order_id="bot-1",
            ticker=row.ticker,
            acquires="yes",
            action="buy",
            status=status,
            yes_price=row.yes_price,
            initial=Decimal(10),
            filled=Decimal(filled),
            remaining=Decimal(10 - filled),
            created_at=NOW,
            updated_at=NOW + timedelta(minutes=minute),
        )
        events.append(event("kalshi.order", order_json(order, "5")))
    for status, end in (("pending", None), ("applied", NOW)):
        cash = Cash("deposit-1", 10_000, 200, status, "debit", NOW, end)
        events.append(event("kalshi.deposit", deposit_json(cash)))
    return events


POOL: Final = pool()


@pytest.fixture(scope="module")
def in_order(shelf: BookMaker) -> Built:
    return shelf.build(POOL, strategies={"bot-": "bot"})


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    order=st.permutations(range(len(POOL))),
    cuts=st.lists(st.integers(0, len(POOL)), max_size=4).map(sorted),
    chunk_events=st.sampled_from([1, 3, 7, 250_000]),
)
def test_any_order_and_any_batches_of_arrival_give_the_same_content(
    in_order: Built, order: list[int], cuts: list[int], chunk_events: int
) -> None:
    shuffled = [POOL[number] for number in order]
    pages = [
        shuffled[start:end]
        for start, end in zip([0, *cuts], [*cuts, len(POOL)], strict=True)
        if start < end
    ]
    with TemporaryDirectory() as folder:
        maker = BookMaker(Path(folder))
        built = maker.build(*pages, strategies={"bot-": "bot"}, chunk_events=chunk_events)
        content = built.content()
        maker.close()
    assert content == in_order.content()


def test_the_order_in_its_newest_state_wins_whatever_arrived_last(in_order: Built) -> None:
    row = in_order.one("SELECT status, filled_quantity FROM order_state")
    assert row == {"status": "executed", "filled_quantity": 10}
    assert in_order.one("SELECT status, amount, fee FROM cash_movement") == {
        "status": "applied",
        "amount": 100,
        "fee": 2,
    }
    assert in_order.rows("restatement") == []
