"""An execution told by socket, confirmation and statement; corrections, combinations, fees."""

from decimal import Decimal
from typing import Any, Final

import pytest

from domain.event import NewEvent
from tests.books import BookMaker, Built, Row
from tests.projections.ibkr.flex_rows import row as flex
from tests.projections.ibkr.test_socket_readers import told

PAPER: Final = "DU1234567"
COLUMNS: Final = {
    "assetCategory": "STK", "conid": "1", "symbol": "S", "currency": "USD", "multiplier": "1",
    "dateTime": "20260105;100001", "transactionType": "ExchTrade", "levelOfDetail": "EXECUTION",
}  # fmt: skip


def socket(exec_id: str, conid: str, shares: str = "100", **fields: str) -> NewEvent:
    """Say an execution as the socket does."""
    return told("ibkr.execution", execId=exec_id, conId=conid, shares=shares, **fields)


def charged(exec_id: str, commission: str) -> NewEvent:
    """Say a commission report."""
    return told(
        "ibkr.commission_report", execId=exec_id, commission=commission, currency="USD",
        realizedPNL="1.7976931348623157E308",
    )  # fmt: skip


def confirmed(exec_id: str, conid: str, quantity: str, **more: str) -> NewEvent:
    """Say a row of a confirmation."""
    given = COLUMNS | {"conid": conid, "execID": exec_id, "quantity": quantity, "price": "10.5"}
    return flex("ibkr.flex.trade_confirm", account=PAPER, **(given | more))


def stated(conid: str, quantity: str, **more: str) -> NewEvent:
    """Say a row of an activity statement."""
    given = COLUMNS | {"conid": conid, "quantity": quantity, "tradePrice": "10.5"}
    return flex("ibkr.flex.trade", account=PAPER, **(given | more))


EVENTS: Final = [
    # 1: told by all three, and the statement knows best
    socket("0001.0a.01.01", "1"),
    charged("0001.0a.01.01", "1.0"),
    confirmed("0001.0a.01.01", "1", "100", commission="-1.02", commissionCurrency="USD"),
    stated("1", "100", ibExecID="0001.0a.01.01", ibCommission="-1.03", ibCommissionCurrency="USD"),
    # 2: corrected on the socket alone
    socket("0002.0a.01.01", "2", "60"),
    socket("0002.0a.01.02", "2", "50"),
    socket("0002.0b.01.01", "2", "40"),
    # 3: corrected, and a statement says how
    socket("0003.0a.01.01", "3", "60"),
    stated("3", "60", ibExecID="0003.0a.01.01", tradeID="7", ibCommission="-1"),
    stated(
        "3", "-60", transactionType="TradeCancel", origTradeID="7", transactionID="8",
        ibCommission="0",
    ),
    socket("0003.0a.01.02", "3", "50"),
    stated("3", "50", ibExecID="0003.0a.01.02", tradeID="7", ibCommission="0.2"),
    # 4: a combination and its legs
    socket("0004.0a.01.01", "28812380", "1", secType="BAG", symbol="SPY"),
    socket("0004.0a.02.01", "4", "1"),
    # 5: nobody knows the fee, or the broker says that it does not know it yet
    socket("0005.0a.01.01", "5"),
    socket("0005.0b.01.01", "5"),
    charged("0005.0b.01.01", "-1.0"),
    socket("0005.0c.01.01", "5"),
    charged("0005.0c.01.01", "-0.35"),
]  # fmt: skip


@pytest.fixture(scope="module")
def built(shelf: BookMaker) -> Built:
    made = shelf.build(EVENTS)
    assert made.rows("unreadable") == []
    return made


def fills(built: Built, conid: str) -> list[Row]:
    return built.rows(f"SELECT * FROM fill WHERE instrument_id = '{conid}'")


def test_an_execution_that_three_ways_tell_is_one_fill_as_the_statement_says(built: Built) -> None:
    (fill,) = fills(built, "1")
    assert (fill["told_by"], fill["fee"], fill["fee_state"]) == (
        "statement", Decimal("1.03"), "stated",
    )  # fmt: skip


def test_where_the_three_disagree_each_change_is_a_restatement(built: Built) -> None:
    columns = "columns, old_values, new_values"
    rows = built.rows(
        f"SELECT {columns} FROM restatement WHERE fact_id LIKE '%0001.0a%' AND change = 'changed'"
    )
    said = {(old, new) for _, old, new in (row.values() for row in rows)}
    assert any("1.02" in old and "1.03" in new for old, new in said)
    assert any("1.000000000 USD" in old and "1.030000000 USD" in new for old, new in said)


def test_the_order_of_telling_does_not_matter(built: Built, shelf: BookMaker) -> None:
    tables = ("fill", "set_aside", "lot_match", "open_lot", "position", "trade")
    other = shelf.build(list(reversed(EVENTS))).content()
    assert {name: other[name] for name in tables} == {
        name: built.content()[name] for name in tables
    }


def test_on_the_socket_alone_the_higher_suffix_counts_and_the_other_is_set_aside(
    built: Built,
) -> None:
    assert sum(fill["quantity"] for fill in fills(built, "2")) == 90
    aside = built.one("SELECT * FROM set_aside WHERE reason = 'replaced'")
    assert (aside["fill_id"], aside["replaced_by"]) == ("0002.0a.01.01", "0002.0a.01.02")


def test_with_a_known_cancel_all_three_rows_count(built: Built) -> None:
    assert len(fills(built, "3")) == 3
    position = built.one("SELECT * FROM position WHERE instrument_id = '3'")
    assert (position["quantity"], position["cost"]) == (50, 525)
    assert sum(fill["fee"] for fill in fills(built, "3")) == Decimal("0.8")


def test_a_combination_is_set_aside_and_its_leg_counts(built: Built) -> None:
    aside = built.one("SELECT * FROM set_aside WHERE reason = 'combination'")
    assert aside["fill_id"] == "0004.0a.01.01"
    assert built.rows("SELECT * FROM position WHERE instrument_id = '28812380'") == []
    assert len(fills(built, "4")) == 1


def test_a_fee_is_pending_until_somebody_states_it_and_minus_one_states_none(built: Built) -> None:
    fees: dict[str, Any] = {
        row["fill_id"]: (row["fee"], row["fee_state"]) for row in fills(built, "5")
    }
    assert fees == {
        "0005.0a.01.01": (None, "pending"),
        "0005.0b.01.01": (None, "pending"),
        "0005.0c.01.01": (Decimal("-0.35"), "reported"),
    }
    assert {row["fee_state"] for row in built.rows("open_lot") if row["instrument_id"] == "5"} == {
        "pending", "complete",
    }  # fmt: skip
