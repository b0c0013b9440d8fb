"""Trades of a Flex statement, their confirmations, and what it says of the end of options.

A trade has one row for each execution and for each thing booked like one: the expiry of an option,
an exercise, a cancel. Summaries and closed lots say the same again and are other kinds.
"""

from typing import Final

from domain.ibkr.attributes import reader

TRADE: Final = "ibkr.flex.trade"
TRADE_CONFIRM: Final = "ibkr.flex.trade_confirm"
OPTION_EVENT: Final = "ibkr.flex.option_event"

_SPOKEN: Final = "2018 to 2026"
_OPTIONAL: Final = (
    "buySell dateTime expiry levelOfDetail multiplier netCash orderReference proceeds putCall "
    "reportDate strike symbol tradeDate tradeID tradeTime transactionType underlyingConid "
    "underlyingSymbol origTradeID"
)
_IGNORED: Final = (
    "accruedInt amount blockID brokerageOrderID clearingFirmID exchange extExecID isAPIOrder "
    "orderTime orderType origTradeDate origTradePrice positionActionID rfqID traderID "
    "volatilityOrderLink"
)

TRADE_READERS: Final = (
    reader(
        TRADE,
        _SPOKEN,
        required="assetCategory conid currency quantity tradePrice",
        optional=(
            f"{_OPTIONAL} fifoPnlRealized fxRateToBase ibCommission ibCommissionCurrency ibExecID "
            "ibOrderID notes openCloseIndicator taxes transactionID"
        ),
        ignored=(
            f"{_IGNORED} changeInPrice changeInQuantity closePrice cost exchOrderId fxPnl "
            "holdingPeriodDateTime initialInvestment mtmPnl openDateTime origOrderID "
            "origTransactionID relatedTradeID relatedTransactionID rtn settleDateTarget tradeMoney "
            "whenRealized whenReopened"
        ),
    ),
)
TRADE_CONFIRM_READERS: Final = (
    reader(
        TRADE_CONFIRM,
        _SPOKEN,
        required="assetCategory conid currency price quantity",
        optional=(
            f"{_OPTIONAL} code commission commissionCurrency execID orderID otherTax salesTax tax "
            "tradeCharge"
        ),
        ignored=(
            f"{_IGNORED} allocatedTo brokerClearingCommission brokerExecutionCommission "
            "netCashWithBillable origOrderID otherCommission settleDate "
            "thirdPartyClearingCommission thirdPartyExecutionCommission "
            "thirdPartyRegulatoryCommission"
        ),
    ),
)
OPTION_EVENT_READERS: Final = (
    reader(
        OPTION_EVENT,
        _SPOKEN,
        required="conid currency date quantity tradeID transactionType",
        optional="markPrice realizedPnl tradePrice",
        ignored=(
            "commisionsAndTax commissionsAndTax costBasis fxPnl mtmPnl proceeds eventType tradeDate"
        ),
    ),
)
