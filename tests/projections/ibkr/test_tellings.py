"""One execution told by the socket, a confirmation and a statement: no alarm, no double."""

from typing import Any

import pytest

from domain.event import NewEvent
from tests.books import BookMaker, Built
from tests.projections.ibkr.test_replaced import confirmed, socket, stated

LARGE = {
    # the yen future stands for 12.5 million yen
    "future": ("FUT", "6JH6", "2", "12500000", "0.0065"),
    "currencies": ("CASH", "USD.JPY", "10000000", "1", "156.125"),
    "shares": ("STK", "PENNY", "9000000", "1", "0.0031"),
}


def thrice(name: str) -> list[NewEvent]:
    """Say one execution three times, with a commission that only the papers know."""
    asset_class, symbol, quantity, multiplier, price = LARGE[name]
    number = f"0009.{name[:2]}.01.01"
    papers: dict[str, Any] = {
        "assetCategory": asset_class,
        "symbol": symbol,
        "multiplier": multiplier,
        "dateTime": "20260105;100001",
    }
    return [
        socket(
            number, "9", quantity, secType=asset_class, symbol=symbol, localSymbol=symbol,
            multiplier=multiplier, price=price, time="20260105 10:00:01 US/Eastern",
        ),
        confirmed(
            number, "9", quantity, price=price, commission="-2", commissionCurrency="USD",
            **papers,
        ),
        stated(
            "9", quantity, ibExecID=number, tradePrice=price, ibCommission="-2",
            ibCommissionCurrency="USD", reportDate="20260106", tradeDate="20260105", **papers,
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_a_large_execution_that_is_told_three_times_is_one_and_no_alarm(
    books: BookMaker, name: str
) -> None:
    built = books.build(thrice(name))
    assert built.rebuilt.unreadable == 0
    assert built.value("SELECT told_by FROM fill") == "statement"
    assert built.rows("SELECT * FROM restatement WHERE change = 'changed'") == []


def test_a_second_between_socket_and_confirmation_completes_and_is_no_alarm(
    books: BookMaker,
) -> None:
    first, second, _ = thrice("shares")
    late = confirmed(
        "0009.sh.01.01",
        "9",
        "9000000",
        symbol="PENNY",
        price="0.0031",
        dateTime="20260105;100002",
    )
    built = books.build([first, late])
    assert built.value("SELECT count(*) FROM fill") == 1
    assert built.rows("SELECT * FROM restatement WHERE change = 'changed'") == []
    assert books.build([first, second]).value("SELECT count(*) FROM fill") == 1


def positions(built: Built) -> dict[str, Any]:
    return {row["instrument_id"]: row["quantity"] for row in built.rows("position")}


@pytest.mark.parametrize("trade_id", ["7", ""])
def test_rows_of_a_statement_add_whether_or_not_they_name_the_trade(
    books: BookMaker, trade_id: str
) -> None:
    built = books.build(
        [
            stated("3", "2", ibExecID="0003.0a.01.01", tradeID=trade_id, transactionID="1"),
            stated(
                "3", "-2", transactionType="TradeCancel", origTradeID=trade_id, transactionID="2",
                buySell="BUY (Ca.)",
            ),
            stated("3", "1", ibExecID="0003.0a.01.02", tradeID=trade_id, transactionID="3"),
        ]
    )  # fmt: skip
    assert positions(built) == {"3": 1}
    assert built.rows("set_aside") == []


def test_an_evening_future_is_of_the_next_days_statement(books: BookMaker) -> None:
    evening = socket(
        "0009.ev.01.01", "9", "1", secType="FUT", symbol="MES", localSymbol="MESH6",
        multiplier="5", price="6900", time="20260105 18:30:00 US/Eastern",
    )  # fmt: skip
    built = books.build([evening])
    days = "SELECT DISTINCT report_date::VARCHAR AS day FROM cash_ledger"
    assert built.rows(days) in ([], [{"day": "2026-01-06"}])
    shares = socket("0009.ev.01.02", "8", "1", time="20260105 18:30:00 US/Eastern")
    assert books.build([shares]).rows(days) == [{"day": "2026-01-05"}]
