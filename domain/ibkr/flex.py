"""The kinds of rows in Flex statements: which are read, and which are only kept.

A row of a coarser level of detail says again what finer rows say: it is kept under a kind of its
own and never read, or everything would count twice.
"""

from typing import Final

from domain.facts import CashMovement, Fill, PositionSnapshot
from domain.ibkr import cash, holdings, statements, trades
from domain.kind import Kind
from domain.statements import (
    AccountProfile,
    CashReport,
    CorporateAction,
    FxRate,
    OptionEvent,
    Security,
    Statement,
    Transfer,
)

TRADE_SUMMARY: Final = "ibkr.flex.trade_summary"
CLOSED_LOT: Final = "ibkr.flex.closed_lot"
CASH_TRANSACTION_SUMMARY: Final = "ibkr.flex.cash_transaction_summary"
CORPORATE_ACTION_SUMMARY: Final = "ibkr.flex.corporate_action_summary"
OPEN_POSITION_LOT: Final = "ibkr.flex.open_position_lot"
FX_TRANSACTION: Final = "ibkr.flex.fx_transaction"
OTHER: Final = "ibkr.flex.other"

_BY_TRADE: Final = ("trade", ("tradeID", "transactionType"))

READ: Final = (
    Kind(
        name=statements.STATEMENT,
        readers=statements.STATEMENT_READERS,
        fact=Statement,
        identity=("fromDate",),
        also=("toDate", "whenGenerated", "queryName"),
    ),
    Kind(
        name=trades.TRADE,
        readers=trades.TRADE_READERS,
        fact=Fill,
        identity=("ibExecID",),
        otherwise=(("transaction", ("transactionID",)), _BY_TRADE),
    ),
    Kind(
        name=trades.TRADE_CONFIRM,
        readers=trades.TRADE_CONFIRM_READERS,
        fact=Fill,
        identity=("execID",),
        otherwise=(_BY_TRADE,),
        authority=-1,
    ),
    Kind(
        name=trades.OPTION_EVENT,
        readers=trades.OPTION_EVENT_READERS,
        fact=OptionEvent,
        identity=("tradeID",),
        also=("transactionType",),
    ),
    Kind(
        name=cash.CASH_TRANSACTION,
        readers=cash.CASH_TRANSACTION_READERS,
        fact=CashMovement,
        identity=("transactionID",),
    ),
    Kind(
        name=holdings.CORPORATE_ACTION,
        readers=holdings.CORPORATE_ACTION_READERS,
        fact=CorporateAction,
        identity=("transactionID",),
    ),
    Kind(
        name=holdings.OPEN_POSITION,
        readers=holdings.OPEN_POSITION_READERS,
        fact=PositionSnapshot,
        identity=("conid",),
        also=("currency",),
        snapshot=True,
    ),
    Kind(
        name=cash.CASH_REPORT,
        readers=cash.CASH_REPORT_READERS,
        fact=CashReport,
        identity=("fromDate",),
        also=("currency",),
        snapshot=True,
    ),
    Kind(
        name=cash.CONVERSION_RATE,
        readers=cash.CONVERSION_RATE_READERS,
        fact=FxRate,
        identity=("reportDate",),
        also=("fromCurrency", "toCurrency"),
    ),
    Kind(
        name=holdings.TRANSFER,
        readers=holdings.TRANSFER_READERS,
        fact=Transfer,
        identity=("transactionID",),
    ),
    Kind(
        name=holdings.SECURITY_INFO,
        readers=holdings.SECURITY_INFO_READERS,
        fact=Security,
        identity=("conid",),
    ),
    Kind(
        name=statements.ACCOUNT_INFORMATION,
        readers=statements.ACCOUNT_INFORMATION_READERS,
        fact=AccountProfile,
        otherwise=(("account", ()),),
    ),
)
KEPT: Final = (
    *(
        Kind(name=name, readers=(), fact=None)
        for name in (
            TRADE_SUMMARY,
            CLOSED_LOT,
            CASH_TRANSACTION_SUMMARY,
            CORPORATE_ACTION_SUMMARY,
            FX_TRANSACTION,
            OTHER,
        )
    ),
    Kind(name=OPEN_POSITION_LOT, readers=(), fact=None, snapshot=True, several=True),
)
KINDS: Final = (*READ, *KEPT)
"""All of them."""
