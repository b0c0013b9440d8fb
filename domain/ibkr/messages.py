"""What Interactive Brokers' socket tells: the fields of each message, and who reads them.

A payload holds the raw text fields of one message under these names, in the order of the wire.
Fields behind the named ones are called `field_33`, `field_34`, … by their place in the message. The
id of the message is left out, and so is the number of the request: an execution is the same whether
it was asked for or pushed. `gateway_zone` is the last member where the book names the zone of the
gateway, which then counts for times that name none.
"""

from collections.abc import Mapping
from typing import Final

from domain.shapes import Reader

EXECUTION: Final = "ibkr.execution"
COMMISSION_REPORT: Final = "ibkr.commission_report"
POSITION: Final = "ibkr.position"
OPEN_ORDER: Final = "ibkr.open_order"
ORDER_STATUS: Final = "ibkr.order_status"
ACCOUNT_VALUE: Final = "ibkr.account_value"
ACCOUNT_SUMMARY: Final = "ibkr.account_summary"
PORTFOLIO_VALUE: Final = "ibkr.portfolio_value"

GATEWAY_ZONE: Final = "gateway_zone"
REQUEST: Final = "reqId"
"""The number of the request: never part of a payload."""

PRICE_REVISION_VERSION: Final = 178
"""The version of the server from which `pendingPriceRevision` ends an execution."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_CONTRACT: Final = (
    "conId symbol secType lastTradeDate strike right multiplier exchange currency localSymbol "
    "tradingClass"
)

EXECUTION_FIELDS: Final = _names(
    f"reqId orderId {_CONTRACT} execId time account exchangeOfExecution side shares price permId "
    "clientId liquidation cumQty avgPrice orderRef evRule evMultiplier modelCode lastLiquidity"
)
PRICE_REVISION: Final = "pendingPriceRevision"
COMMISSION_REPORT_FIELDS: Final = _names(
    "version execId commission currency realizedPNL yield yieldRedemptionDate"
)
POSITION_FIELDS: Final = _names(f"version account {_CONTRACT} position avgCost")
OPEN_ORDER_FIELDS: Final = _names(
    f"orderId {_CONTRACT} action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account "
    "openClose origin orderRef clientId permId"
)
ORDER_STATUS_FIELDS: Final = _names(
    "orderId status filled remaining avgFillPrice permId parentId lastFillPrice clientId whyHeld "
    "mktCapPrice"
)
ACCOUNT_VALUE_FIELDS: Final = _names("version key value currency account")
ACCOUNT_SUMMARY_FIELDS: Final = _names("version reqId account tag value currency")
PORTFOLIO_VALUE_FIELDS: Final = _names(
    "version conId symbol secType lastTradeDate strike right multiplier primaryExchange currency "
    "localSymbol tradingClass position marketPrice marketValue averageCost unrealizedPNL "
    "realizedPNL account"
)

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    EXECUTION: EXECUTION_FIELDS,
    COMMISSION_REPORT: COMMISSION_REPORT_FIELDS,
    POSITION: POSITION_FIELDS,
    OPEN_ORDER: OPEN_ORDER_FIELDS,
    ORDER_STATUS: ORDER_STATUS_FIELDS,
    ACCOUNT_VALUE: ACCOUNT_VALUE_FIELDS,
    ACCOUNT_SUMMARY: ACCOUNT_SUMMARY_FIELDS,
    PORTFOLIO_VALUE: PORTFOLIO_VALUE_FIELDS,
}
"""The names of the fields behind the id of the message."""

# An open order has a long tail, which depends on the order and on the version of the server.
_TAIL_END: Final = 400


def _reader(kind: str, read: str, *, optional: str = "", tail: bool = False) -> tuple[Reader, ...]:
    fields, required = FIELDS[kind], _names(read)
    strange = set(required) - set(fields)
    assert not strange, f"{kind} has no fields {strange}"
    ignored = {name: "string" for name in fields if name not in required and name != REQUEST}
    ignored |= dict.fromkeys((GATEWAY_ZONE, PRICE_REVISION), "string")
    if tail:
        ignored |= {f"field_{at}": "string" for at in range(len(fields) + 1, _TAIL_END)}
    for name in _names(optional):
        del ignored[name]
    return (
        Reader(
            kind=kind,
            name="1",
            spoken="servers 157 to 178, as ib_insync 0.9.86 and ib_async 2.1.0 hear them",
            required=dict.fromkeys(required, "string"),
            optional=dict.fromkeys(_names(optional), "string"),
            ignored=ignored,
        ),
    )


EXECUTION_READERS: Final = _reader(
    EXECUTION,
    "conId symbol secType lastTradeDate strike right multiplier currency localSymbol execId time "
    "side shares price permId orderRef lastLiquidity",
    optional=GATEWAY_ZONE,
)
COMMISSION_REPORT_READERS: Final = _reader(
    COMMISSION_REPORT, "execId commission currency realizedPNL"
)
POSITION_READERS: Final = _reader(
    POSITION, "conId symbol secType multiplier currency localSymbol position avgCost"
)
OPEN_ORDER_READERS: Final = _reader(
    OPEN_ORDER,
    "orderId conId action totalQuantity orderType lmtPrice orderRef clientId permId",
    tail=True,
)
ORDER_STATUS_READERS: Final = _reader(
    ORDER_STATUS, "orderId status filled remaining permId clientId"
)
ACCOUNT_VALUE_READERS: Final = _reader(ACCOUNT_VALUE, "key value currency")
ACCOUNT_SUMMARY_READERS: Final = _reader(ACCOUNT_SUMMARY, "tag value currency")
