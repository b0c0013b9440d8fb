"""Positions and cash that came from another account, or went to one."""

from tests.books import BookMaker, dec
from tests.projections.ibkr.flex_rows import row

MOVED = {
    "accountId": "U1",
    "currency": "USD",
    "assetCategory": "STK",
    "symbol": "XYZ",
    "conid": "7",
    "multiplier": "1",
    "reportDate": "20250106",
    "dateTime": "20250106;100000",
    "type": "ACATS",
}
BOUGHT = {
    "accountId": "U1",
    "currency": "USD",
    "assetCategory": "STK",
    "symbol": "XYZ",
    "conid": "7",
    "multiplier": "1",
    "dateTime": "20250103;100000",
    "reportDate": "20250103",
    "transactionType": "ExchTrade",
    "quantity": "10",
    "tradePrice": "5",
    "ibCommission": "-1",
    "buySell": "BUY",
    "ibExecID": "0001.01.01",
    "transactionID": "1",
    "levelOfDetail": "EXECUTION",
}


def test_shares_that_came_have_a_quantity_and_no_cost(books: BookMaker) -> None:
    came = MOVED | {"direction": "IN", "quantity": "4", "transferPrice": "6", "transactionID": "9"}
    built = books.build([row("ibkr.flex.transfer", **came)])
    lot = built.one("open_lot")
    assert (lot["quantity"], lot["basis_state"], lot["cost"]) == (4, "missing", None)
    assert built.rows("cash_ledger") == []


def test_shares_that_went_close_their_lots_at_a_result_that_nobody_tells(
    books: BookMaker,
) -> None:
    went = MOVED | {"direction": "OUT", "quantity": "-4", "transactionID": "9"}
    built = books.build([row("ibkr.flex.trade", **BOUGHT), row("ibkr.flex.transfer", **went)])
    lot = built.one("lot_match")
    assert (lot["close_kind"], lot["quantity"], lot["close_price"]) == ("transfer", 4, None)
    assert (lot["basis_state"], lot["realized_gross"], lot["realized_net"]) == (
        "missing",
        None,
        None,
    )
    assert built.value("SELECT quantity FROM position") == 6
    assert built.value("SELECT sum(lots) FROM daily_pnl WHERE basis_state = 'missing'") == 1


def test_cash_that_came_is_in_the_cash_ledger(books: BookMaker) -> None:
    came = MOVED | {
        "assetCategory": "",
        "conid": "",
        "symbol": "--",
        "direction": "IN",
        "quantity": "0",
        "cashTransfer": "250.25",
        "transactionID": "9",
    }
    built = books.build([row("ibkr.flex.transfer", **came)])
    assert built.rows("SELECT cause, amount FROM cash_ledger") == [
        {"cause": "transfer", "amount": dec("250.25")}
    ]
