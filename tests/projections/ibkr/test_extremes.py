"""No number that a broker can write stops a rebuild: it is counted, or it is an unreadable row."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

import pytest

from domain.event import NewEvent, Owner
from domain.ibkr import messages
from projections import sql
from tests.books import NOW, BookMaker, Built, dec, event
from tests.projections.ibkr.flex_made import ACTION, CASH, CONFIRM, TRADE, TRANSFER
from tests.projections.ibkr.flex_rows import row

ROWS: Final = 100
WORTH: Final = "its worth is beyond measure"
AMOUNT: Final = "an amount is beyond measure"

MOST_UNITS: Final = "9999999.99999999"
MOST_OF_A_CURRENCY: Final = "9999999999.99999999"
MOST_A_UNIT: Final = "99999999.999"
MOST_PRICE: Final = "999999999.999999999"
MOST_FEE: Final = "9999999.999999999"
MOST_MONEY: Final = "999999999999.99999999"
MOST_RATE: Final = "99999.999999999"

Case = dict[str, str]

SHARE: Final = {"assetCategory": "STK", "multiplier": "1", "strike": "", "putCall": ""}
TRADED: Final = SHARE | {
    "quantity": "1", "tradePrice": "1", "taxes": "", "ibCommissionCurrency": "USD",
    "proceeds": "", "netCash": "", "fifoPnlRealized": "", "buySell": "", "openCloseIndicator": "",
}  # fmt: skip
EXCHANGE: Final = {"assetCategory": "CASH", "symbol": "EUR.USD", "strike": "", "multiplier": "1"}
FUTURE: Final = {"assetCategory": "FUT", "strike": "", "putCall": ""}
SOCKET: Final = {
    "conId": "1", "symbol": "X", "secType": "STK", "currency": "USD", "localSymbol": "X",
    "time": "20260105 10:00:01 US/Eastern", "shares": "1", "price": "1", "permId": "7",
    "strike": "0.0", "side": "BOT",
}  # fmt: skip
BASES: Final[dict[str, Case]] = {
    "trade": TRADE | TRADED,
    "trade_confirm": CONFIRM
    | {"quantity": "1", "price": "1", "buySell": "", "tax": "", "otherTax": ""},
    "cash_transaction": CASH | {"type": "Dividends", "currency": "USD"},
    "corporate_action": ACTION | {"type": "SO"},
    "transfer": TRANSFER,
    "open_position": {"currency": "USD", "assetCategory": "STK", "position": "1"},
    "conversion_rate": {"reportDate": "20260717", "toCurrency": "CHF", "rate": "1"},
    "cash_report": {
        "currency": "USD", "fromDate": "20260717", "toDate": "20260718", "startingCash": "0",
        "endingCash": "0", "commissions": "0", "netTradesSales": "0", "dividends": "0",
        "accountTransfers": "0",
    },
    "execution": SOCKET,
    "commission_report": {"commission": "1", "currency": "USD", "realizedPNL": "0"},
    "position": SOCKET | {"position": "1", "avgCost": "1"},
    "order_status": {"status": "Filled", "filled": "1", "remaining": "0"},
    "open_order": {"conId": "1", "action": "BUY", "totalQuantity": "1", "orderType": "LMT"},
    "account_value": {"key": "CashBalance", "value": "1", "currency": "USD"},
}  # fmt: skip
IDS: Final = {
    "trade": ("transactionID", "tradeID", "ibExecID"), "trade_confirm": ("execID",),
    "cash_transaction": ("transactionID",), "corporate_action": ("transactionID", "actionID"),
    "transfer": ("transactionID",), "execution": ("execId",), "commission_report": ("execId",),
    "order_status": ("permId",), "open_order": ("permId",), "account_value": ("key",),
    "conversion_rate": ("fromCurrency",), "cash_report": ("currency",),
}  # fmt: skip

BACK: Final[dict[str, tuple[str, str, Case]]] = {
    "trade": ("quantity", "-", {"tradePrice": "0.5", "dateTime": "20260717;130000"}),
    "trade_confirm": ("quantity", "-", {"price": "0.5", "dateTime": "2026-07-17;13:00:00"}),
    "execution": ("shares", "", {"price": "0.5", "side": "SLD", "time": "20260106-15:00:00"}),
}
"""Of what is traded: its number, the sign, and all else that is different on the way back."""

INSIDE: Final[dict[str, list[Case]]] = {
    "trade": [
        {"quantity": MOST_UNITS},
        {"quantity": MOST_UNITS, "tradePrice": "99999"},
        {"quantity": "1", "tradePrice": MOST_PRICE},
        {"quantity": "1", "multiplier": MOST_A_UNIT, "assetCategory": "OPT"},
        {"quantity": "100", "multiplier": MOST_A_UNIT, "tradePrice": "99.99", **FUTURE},
        {"quantity": "1", "assetCategory": "OPT", "strike": MOST_PRICE, "multiplier": "999"},
        {"proceeds": MOST_MONEY, "netCash": MOST_MONEY, "fifoPnlRealized": f"-{MOST_MONEY}"},
        {**FUTURE, "netCash": MOST_MONEY, "ibCommission": f"-{MOST_FEE}"},
        {"ibCommission": f"-{MOST_FEE}"},
        {"quantity": MOST_UNITS, "tradePrice": "99999", "fxRateToBase": MOST_RATE},
        {**EXCHANGE, "quantity": "99999999.99999999", "tradePrice": "9999"},
    ],
    "trade_confirm": [
        {"quantity": MOST_UNITS, "price": "99999"},
        {"quantity": "1", "price": MOST_PRICE},
        {"multiplier": MOST_A_UNIT},
        {"proceeds": MOST_MONEY, "netCash": f"-{MOST_MONEY}", "commission": f"-{MOST_FEE}"},
    ],
    "execution": [
        {"shares": MOST_UNITS, "price": "99999"},
        {"shares": "1", "price": MOST_PRICE},
        {"multiplier": MOST_A_UNIT, "secType": "OPT", "strike": "9999.0"},
    ],
    "commission_report": [{"commission": MOST_FEE, "realizedPNL": f"-{MOST_MONEY}"}],
    "position": [{"position": f"-{MOST_UNITS}", "avgCost": MOST_PRICE, "multiplier": MOST_A_UNIT}],
    "order_status": [{"filled": "4999999999.99999999", "remaining": "4999999999.99999999"}],
    "open_order": [{"totalQuantity": MOST_OF_A_CURRENCY, "lmtPrice": MOST_PRICE}],
    "account_value": [{"value": "9" * 18}, {"value": "9" * 40}, {"value": "1.0E300"}],
    "cash_transaction": [{"amount": MOST_MONEY}, {"amount": f"-{MOST_MONEY}"}],
    "corporate_action": [
        {"quantity": MOST_UNITS, "fifoPnlRealized": MOST_MONEY, "fxRateToBase": MOST_RATE},
        {"quantity": f"-{MOST_UNITS}"},
        {"quantity": "-10", "proceeds": MOST_MONEY},
        {"quantity": "0", "proceeds": f"-{MOST_MONEY}"},
    ],
    "transfer": [
        {"quantity": MOST_UNITS, "transferPrice": MOST_PRICE, "multiplier": MOST_A_UNIT},
        {"quantity": MOST_UNITS, "direction": "OUT"},
        {"quantity": "0", "cashTransfer": MOST_MONEY},
    ],
    "open_position": [
        {
            "position": f"-{MOST_UNITS}", "costBasisMoney": MOST_MONEY,
            "positionValue": MOST_MONEY, "fifoPnlUnrealized": f"-{MOST_MONEY}",
            "markPrice": MOST_PRICE, "costBasisPrice": MOST_PRICE, "multiplier": MOST_A_UNIT,
        }
    ],
    "conversion_rate": [{"rate": MOST_RATE}],
    "cash_report": [
        {
            "startingCash": MOST_MONEY, "endingCash": f"-{MOST_MONEY}", "commissions": MOST_MONEY,
            "netTradesSales": MOST_MONEY, "dividends": MOST_MONEY,
        }
    ],
}  # fmt: skip

OUTSIDE: Final[dict[str, list[tuple[Case, str]]]] = {
    "trade": [
        ({"quantity": "10000000"}, "quantity 10000000 is beyond measure"),
        ({"quantity": "-10,000,000"}, "quantity -10000000 is beyond measure"),
        ({"quantity": "1000000", "tradePrice": "1000000"}, WORTH),
        ({"quantity": "1000000", "tradePrice": "-1000000"}, WORTH),
        ({"quantity": "9999999", "tradePrice": MOST_PRICE, "multiplier": MOST_A_UNIT}, WORTH),
        ({"multiplier": "100000000"}, "multiplier 100000000 is beyond measure"),
        ({"assetCategory": "OPT", "strike": "1000000", "multiplier": "1000000"}, WORTH),
        ({"proceeds": "1000000000000"}, AMOUNT),
        ({"netCash": "-01,000,000,000,000"}, AMOUNT),
        ({"fifoPnlRealized": "999999999999999999.99999999999999999999"}, AMOUNT),
        ({"ibCommission": "-10000000"}, AMOUNT),
        ({"ibCommission": "-9999999", "taxes": "-1"}, AMOUNT),
        ({"fxRateToBase": "100000"}, "rate 100000 is beyond measure"),
        ({**EXCHANGE, "quantity": "9999999999", "tradePrice": "101"}, WORTH),
    ],
    "trade_confirm": [
        ({"quantity": "10000000"}, "quantity 10000000 is beyond measure"),
        ({"quantity": "1000000", "price": "1000000"}, WORTH),
        ({"multiplier": "100000000"}, "multiplier 100000000 is beyond measure"),
        ({"proceeds": "1000000000000"}, AMOUNT),
        ({"netCash": "1000000000000"}, AMOUNT),
        ({"commission": "-10000000"}, AMOUNT),
    ],
    "execution": [
        ({"shares": "1.0E7"}, "quantity 10000000 is beyond measure"),
        ({"shares": "1000000", "price": "1000000"}, WORTH),
        ({"multiplier": "100000000"}, "multiplier 100000000 is beyond measure"),
        ({"secType": "OPT", "strike": "10000000", "multiplier": "100000"}, WORTH),
        ({"secType": "CASH", "localSymbol": "EUR.USD", "shares": "9999999999", "price": "101"},
         WORTH),
    ],
    "commission_report": [
        ({"commission": "10000000"}, AMOUNT),
        ({"realizedPNL": "1000000000000"}, AMOUNT),
    ],
    "position": [
        ({"position": "-10000000"}, "quantity -10000000 is beyond measure"),
        ({"multiplier": "100000000"}, "multiplier 100000000 is beyond measure"),
    ],
    "order_status": [
        ({"filled": "5000000000"}, "filled 5000000000 and remaining 0: beyond measure"),
        ({"remaining": "9999999999"}, "filled 1 and remaining 9999999999: beyond measure"),
    ],
    "cash_transaction": [
        ({"amount": "1000000000000"}, AMOUNT),
        ({"fxRateToBase": "100000"}, "rate 100000 is beyond measure"),
    ],
    "corporate_action": [
        ({"quantity": "-10000000"}, "quantity -10000000 is beyond measure"),
        ({"proceeds": "1000000000000"}, AMOUNT),
        ({"fifoPnlRealized": "1000000000000"}, AMOUNT),
        ({"multiplier": "100000000"}, "multiplier 100000000 is beyond measure"),
        ({"fxRateToBase": "100000"}, "rate 100000 is beyond measure"),
    ],
    "transfer": [
        ({"quantity": "10000000"}, "quantity 10000000 is beyond measure"),
        ({"cashTransfer": "1000000000000"}, AMOUNT),
        ({"multiplier": "100000000"}, "multiplier 100000000 is beyond measure"),
    ],
    "open_position": [
        ({"position": "9999999999"}, "quantity 9999999999 is beyond measure"),
        ({"costBasisMoney": "1000000000000"}, AMOUNT),
        ({"positionValue": "1000000000000"}, AMOUNT),
        ({"fifoPnlUnrealized": "-1000000000000"}, AMOUNT),
        ({"multiplier": "100000000"}, "multiplier 100000000 is beyond measure"),
    ],
    "conversion_rate": [({"rate": "100000"}, "rate 100000 is beyond measure")],
    "cash_report": [
        ({name: "1000000000000"}, AMOUNT)
        for name in BASES["cash_report"]
        if BASES["cash_report"][name] == "0"
    ],
}  # fmt: skip


def one(kind: str, changes: Case, nth: int, account: str) -> NewEvent:
    """Return the nth row of a kind in an account, with ids of its own."""
    fields = BASES[kind] | changes
    name = f"ibkr.{kind}"
    if name not in messages.FIELDS:
        ids = dict.fromkeys(IDS.get(kind, ()), f"{account[2:]}{nth:06}")
        fields |= {"conid": "1"} | {key: ids[key] for key in ids if key not in changes}
        return row(f"ibkr.flex.{kind}", account=account, **fields)
    fields |= dict.fromkeys(IDS.get(kind, ()), f"{account}{nth}")
    whole = dict.fromkeys(messages.FIELDS[name], "") | fields | {"account": account}
    whole.pop(messages.REQUEST, None)
    at = NOW + timedelta(minutes=nth)
    snapshot = kind in {"position", "account_value"}
    return event(
        name,
        json.dumps(whole),
        owner=Owner(account, "live"),
        received_at=at,
        as_of=at if snapshot else None,
    )


def rows(kind: str, changes: Case, account: str) -> Iterator[NewEvent]:
    """Yield rows that all add up; behind executions as many that go the other way."""
    for nth in range(ROWS):
        yield one(kind, changes, nth, account)
    if kind in BACK:
        number, sign, back = BACK[kind]
        quantity = {number: sign + (BASES[kind] | changes)[number]}
        for nth in range(ROWS, 2 * ROWS):
            yield one(kind, changes | back | quantity, nth, account)


def checked(built: Built) -> Built:
    """Return a book in whose tables no check finds anything."""
    for name in sql.names("checks"):
        assert built.connection.sql(sql.text("checks", name)).fetchall() == [], name
    return built


def told(cases: Iterable[tuple[str, Case]]) -> Iterator[NewEvent]:
    """Yield many rows of each case, each case in an account of its own."""
    for number, (kind, changes) in enumerate(cases):
        account = f"U9{number:02}"
        base = {"currency": "CHF", "accountType": "Individual"}
        yield row("ibkr.flex.account_information", account=account, **base)
        yield from rows(kind, changes, account)


@pytest.mark.parametrize("kind", INSIDE)
def test_a_hundred_rows_of_the_largest_numbers_are_counted(books: BookMaker, kind: str) -> None:
    built = checked(books.build(told((kind, changes) for changes in INSIDE[kind])))
    assert built.rows("unreadable") == []


def test_a_thousand_rows_of_the_most_units_are_counted(books: BookMaker) -> None:
    most = {"quantity": MOST_UNITS, "buySell": "BUY"}
    built = checked(books.build(one("trade", most, nth, "U900") for nth in range(1000)))
    assert built.value("SELECT quantity FROM position") == 1000 * dec(MOST_UNITS)


def test_an_exchange_of_ten_thousand_million_is_counted(books: BookMaker) -> None:
    most = {**EXCHANGE, "quantity": MOST_OF_A_CURRENCY, "tradePrice": "99.99"}
    built = checked(books.build([one("trade", most, 0, "U900")]))
    euros = "SELECT amount FROM cash_ledger WHERE currency = 'EUR' AND cause = 'conversion'"
    assert built.value(euros) == dec(MOST_OF_A_CURRENCY)


def test_what_was_there_before_a_hundred_such_rows_is_counted(books: BookMaker) -> None:
    days = {"fromDate": "20251231", "toDate": "20251231", "whenGenerated": "20260101;000000"}
    position = {"quantity": MOST_UNITS, "dateTime": "20251230;100000", "reportDate": "20251230"}
    listed = {"accountId": "U900", "sections": ";OpenPositions;Trades;", **days}
    told_then = [
        row("ibkr.flex.statement", account="U900", **listed),
        one("open_position", {"position": f"-{MOST_UNITS}"}, 0, "U900"),
        *(one("trade", position, nth, "U900") for nth in range(ROWS)),
        *(one("transfer", {"quantity": MOST_UNITS}, nth, "U900") for nth in range(ROWS)),
    ]
    built = checked(books.build(told_then))
    assert built.value("SELECT quantity FROM opening") == -(1 + ROWS * 2) * dec(MOST_UNITS)


def test_a_row_beyond_measure_is_unreadable_and_everything_else_is_there(
    books: BookMaker,
) -> None:
    cases = [(kind, *case) for kind, listed in OUTSIDE.items() for case in listed]
    odd = [one(kind, changes, number, "U900") for number, (kind, changes, _) in enumerate(cases)]
    usual = [one(kind, {}, nth, "U901") for nth, kind in enumerate(BASES)]
    built = checked(books.build([*odd, *usual]))
    found = built.connection.execute(
        "SELECT reason, offending FROM unreadable ORDER BY position"
    ).fetchall()
    assert found == [("contradiction", offending) for *_, offending in cases]
    assert built.value("SELECT count(*) FROM fill WHERE account = 'U901'") == len(BACK)
    assert built.value("SELECT count(*) FROM fill") == len(BACK)
    for table in ("cash_movement", "corporate_action", "transfer", "fx_rate", "cash_report"):
        assert built.value(f"SELECT count(*) FROM {table}") == 1
