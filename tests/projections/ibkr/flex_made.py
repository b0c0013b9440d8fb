"""Made rows of Flex statements, each a change of one that is whole, and what is read of them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from domain.event import NewEvent
from tests.projections.ibkr.flex_rows import Readings, Row, row

TRADE: Final = {
    "currency": "USD", "assetCategory": "OPT", "symbol": "CZR   260821C00030000",
    "conid": "893396239", "underlyingConid": "5437", "underlyingSymbol": "CZR",
    "multiplier": "100", "strike": "30", "expiry": "20260821", "putCall": "C", "tradeID": "1786",
    "dateTime": "20260717;120440", "tradeDate": "20260717", "reportDate": "20260718",
    "transactionType": "ExchTrade", "quantity": "-2", "tradePrice": "0.73", "taxes": "-0.01",
    "ibCommission": "-1.3666", "ibCommissionCurrency": "EUR", "proceeds": "146",
    "netCash": "144.6334", "fifoPnlRealized": "12.5", "fxRateToBase": "0.91",
    "openCloseIndicator": "C;O", "notes": "IA;P", "buySell": "SELL", "ibOrderID": "726",
    "transactionID": "10651107881", "ibExecID": "0001938c.6a59af42.01.01", "origTradeID": "",
    "orderReference": "fly-1", "levelOfDetail": "EXECUTION",
}  # fmt: skip
CONFIRM: Final = {
    "currency": "USD", "assetCategory": "STK", "symbol": "QQQM", "conid": "8", "multiplier": "1",
    "tradeID": "1786", "dateTime": "2026-07-17;12:04:40 EDT", "tradeDate": "2026-07-17",
    "transactionType": "ExchTrade", "quantity": "3", "price": "7.5", "commission": "-1",
    "commissionCurrency": "USD", "tax": "-0.1", "salesTax": "0", "tradeCharge": "",
    "otherTax": "-0.02", "code": "D;O", "buySell": "BUY", "orderID": "44", "execID": "0001.01",
    "orderReference": "", "levelOfDetail": "EXECUTION",
}  # fmt: skip
CASH: Final = {
    "currency": "CHF", "amount": "-1,143.28", "type": "Withholding Tax", "conid": "8",
    "dateTime": "20250327;202000", "reportDate": "20250327", "settleDate": "20250327",
    "transactionID": "55", "actionID": "9", "description": "tax", "fxRateToBase": "1",
    "levelOfDetail": "DETAIL",
}  # fmt: skip
ACTION: Final = {
    "currency": "USD", "assetCategory": "STK", "conid": "8", "symbol": "A", "multiplier": "1",
    "quantity": "3.114", "proceeds": "0", "fifoPnlRealized": "0", "fxRateToBase": "0.9",
    "type": "FS", "actionID": "157", "transactionID": "345", "dateTime": "20250818;202500",
    "reportDate": "20250820", "actionDescription": "SPLIT 4 FOR 1", "levelOfDetail": "DETAIL",
}  # fmt: skip
TRANSFER: Final = {
    "currency": "USD", "type": "ACATS", "direction": "IN", "assetCategory": "STK", "conid": "8",
    "symbol": "A", "multiplier": "1", "quantity": "10", "transferPrice": "0",
    "cashTransfer": "0", "date": "20250818", "dateTime": "", "reportDate": "20250819",
    "transactionID": "77",
}  # fmt: skip
BASE: Final = {
    "trade": TRADE, "trade_confirm": CONFIRM, "cash_transaction": CASH,
    "corporate_action": ACTION, "transfer": TRANSFER,
}  # fmt: skip
TABLES: Final = {
    "trade": "fill", "trade_confirm": "fill", "cash_transaction": "cash_movement",
    "corporate_action": "corporate_action", "transfer": "transfer",
}  # fmt: skip


Changes = dict[str, str | None]


def made(kind: str, **changes: str | None) -> NewEvent:
    """Return a made row; an attribute that is None is not there."""
    attributes = {**BASE[kind], **changes}
    stated = {name: value for name, value in attributes.items() if value is not None}
    return row(f"ibkr.flex.{kind}", **stated)


def each(kind: str, cases: Iterable[Changes]) -> list[Row]:
    """Return the renditions of made rows, in their order."""
    with Readings([made(kind, **changes) for changes in cases]) as found:
        return found.rows(TABLES[kind])


def told_each(kind: str, cases: Iterable[Changes]) -> list[Row]:
    """Return the renditions of made rows that have no problem."""
    found = each(kind, cases)
    assert [one["problem"] for one in found] == [None] * len(found)
    return found


def told(kind: str, **changes: str | None) -> Row:
    """Return the rendition of one made row that has no problem."""
    (only,) = told_each(kind, [changes])
    return only


def problems(kind: str, cases: Iterable[Changes]) -> list[tuple[str | None, ...]]:
    """Return reason, column and text of the problem of each made row."""
    return [tuple(one["problem"].values()) for one in each(kind, cases)]


def contradictions(kind: str, cases: Iterable[Changes]) -> list[str | None]:
    """Return what each made row says against itself."""
    found = problems(kind, cases)
    assert {one[:2] for one in found} == {("contradiction", None)}
    return [text for _, _, text in found]


def utc(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> datetime:
    """Return a moment."""
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
