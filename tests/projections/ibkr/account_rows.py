"""Rows of an account that the oracle knows, as the Flex events that tell them."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from domain.event import NewEvent, Owner
from domain.ibkr.accounts import mode_of
from tests.books import event
from tests.oracle.ibkr_lots import Account, Action, Stated, Trade

NEW_YORK: Final = ZoneInfo("America/New_York")
_NOTES: Final = {"expiry": "Ep", "exercise": "Ex", "assignment": "A", "cancel": "Ca"}
_FLAGS: Final = {"open": "O", "close": "C", "both": "C;O", None: ""}


def events(name: str, account: Account) -> list[NewEvent]:
    """Return everything that is told of an account."""
    return [
        *(flex(name, "trade", trade(row)) for row in account.trades),
        *(flex(name, "corporate_action", action(row)) for row in account.actions),
        *(one for stated in account.statements for one in statement(name, stated)),
    ]


def flex(
    name: str, kind: str, attributes: dict[str, str], *, as_of: datetime | None = None
) -> NewEvent:
    """Return one row as an event."""
    owner = Owner(name, mode_of(name))
    return event(f"ibkr.flex.{kind}", json.dumps(attributes), owner=owner, as_of=as_of)


def local(at: datetime) -> str:
    """Return a time as statements write it."""
    return at.astimezone(NEW_YORK).strftime("%Y%m%d;%H%M%S")


def number(value: Decimal) -> str:
    """Return a number as statements write it."""
    return f"{value:f}"


def trade(row: Trade) -> dict[str, str]:
    """Return the attributes of a row of trades."""
    option = row.strike is not None
    sort = "OPT" if option else "FUT" if row.multiplier != 1 else "STK"
    booked = row.booking not in ("execution", "cancel")
    return {
        "assetCategory": sort,
        "conid": row.instrument,
        "symbol": f"S{row.instrument}",
        "currency": "USD",
        "multiplier": number(row.multiplier),
        "underlyingConid": row.underlying or "",
        "underlyingSymbol": f"S{row.underlying}" if row.underlying else "",
        "strike": number(row.strike) if row.strike is not None else "",
        "putCall": "" if row.call is None else "C" if row.call else "P",
        "tradeID": row.trade_id or "",
        "origTradeID": row.cancels or "",
        "dateTime": local(row.at),
        "reportDate": row.day.strftime("%Y%m%d"),
        "transactionType": "BookTrade"
        if booked
        else "TradeCancel"
        if row.booking == "cancel"
        else "ExchTrade",
        "notes": _NOTES.get(row.booking, ""),
        "quantity": number(row.quantity),
        "tradePrice": number(row.price),
        "ibCommission": "" if row.fee is None else number(-row.fee),
        "ibCommissionCurrency": "USD",
        "openCloseIndicator": _FLAGS[row.flag],
        "transactionID": "" if row.sequence is None else str(row.sequence),
        "ibExecID": "" if row.row_id.startswith("transaction-") else row.row_id,
        "levelOfDetail": "EXECUTION",
    }


def action(row: Action) -> dict[str, str]:
    """Return the attributes of a row of a corporate action."""
    return {
        "assetCategory": "STK",
        "conid": row.instrument,
        "symbol": f"S{row.instrument}",
        "currency": "USD",
        "type": row.sort,
        "actionID": row.action_id,
        "transactionID": row.row_id,
        "dateTime": local(row.at),
        "reportDate": row.day.strftime("%Y%m%d"),
        "quantity": number(row.quantity),
        "proceeds": number(row.proceeds),
        "levelOfDetail": "DETAIL",
    }


def statement(name: str, stated: Stated) -> list[NewEvent]:
    """Return a statement and its open positions."""
    day = stated.day.strftime("%Y%m%d")
    head = {
        "accountId": name,
        "fromDate": day,
        "toDate": day,
        "whenGenerated": f"{day};235900",
        "queryName": "all",
        "sections": ";OpenPositions;Trades;",
    }
    rows = (
        {
            "assetCategory": "STK",
            "conid": instrument,
            "currency": "USD",
            "position": number(quantity),
        }
        for instrument, quantity in stated.positions.items()
    )
    as_of = end_of(stated.day)
    return [
        flex(name, "statement", head),
        *(flex(name, "open_position", row, as_of=as_of) for row in rows),
    ]


def end_of(day: date) -> datetime:
    """Return the midnight in New York that ends a day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), NEW_YORK)
