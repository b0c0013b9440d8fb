"""Which kind of event a row of a statement is: by section, element and level of detail."""

from collections.abc import Mapping
from typing import Final

from domain.ibkr.cash import CASH_REPORT, CASH_TRANSACTION, CONVERSION_RATE
from domain.ibkr.flex import (
    CASH_TRANSACTION_SUMMARY,
    CLOSED_LOT,
    CORPORATE_ACTION_SUMMARY,
    FX_TRANSACTION,
    OPEN_POSITION_LOT,
    OTHER,
    TRADE_SUMMARY,
)
from domain.ibkr.holdings import CORPORATE_ACTION, OPEN_POSITION, SECURITY_INFO, TRANSFER
from domain.ibkr.statements import ACCOUNT_INFORMATION
from domain.ibkr.trades import OPTION_EVENT, TRADE, TRADE_CONFIRM

_KINDS: Final[Mapping[tuple[str, str], str]] = {
    ("Trades", "Trade"): TRADE,
    ("Trades", "Order"): TRADE_SUMMARY,
    ("Trades", "SymbolSummary"): TRADE_SUMMARY,
    ("Trades", "AssetSummary"): TRADE_SUMMARY,
    ("Trades", "Lot"): CLOSED_LOT,
    ("Trades", "WashSale"): CLOSED_LOT,
    ("TradeConfirms", "TradeConfirm"): TRADE_CONFIRM,
    ("TradeConfirms", "TradeConfirmation"): TRADE_CONFIRM,
    ("TradeConfirms", "Order"): TRADE_SUMMARY,
    ("TradeConfirms", "SymbolSummary"): TRADE_SUMMARY,
    ("TradeConfirms", "AssetSummary"): TRADE_SUMMARY,
    ("OptionEAE", "OptionEAE"): OPTION_EVENT,
    ("CashTransactions", "CashTransaction"): CASH_TRANSACTION,
    ("CorporateActions", "CorporateAction"): CORPORATE_ACTION,
    ("OpenPositions", "OpenPosition"): OPEN_POSITION,
    ("CashReport", "CashReportCurrency"): CASH_REPORT,
    ("ConversionRates", "ConversionRate"): CONVERSION_RATE,
    ("Transfers", "Transfer"): TRANSFER,
    ("FxTransactions", "FxTransaction"): FX_TRANSACTION,
    ("SecuritiesInfo", "SecurityInfo"): SECURITY_INFO,
    ("AccountInformation", "AccountInformation"): ACCOUNT_INFORMATION,
}
# Only the levels that are not the finest: rows that repeat others, added up or taken apart.
_LEVELS: Final[Mapping[tuple[str, str], str]] = {
    (TRADE, "ORDER"): TRADE_SUMMARY,
    (TRADE, "SYMBOL_SUMMARY"): TRADE_SUMMARY,
    (TRADE, "ASSET_SUMMARY"): TRADE_SUMMARY,
    (TRADE, "CLOSED_LOT"): CLOSED_LOT,
    (CASH_TRANSACTION, "SUMMARY"): CASH_TRANSACTION_SUMMARY,
    (CORPORATE_ACTION, "SUMMARY"): CORPORATE_ACTION_SUMMARY,
    (OPEN_POSITION, "LOT"): OPEN_POSITION_LOT,
}
LEVEL: Final = "levelOfDetail"

# Sections that Flex queries offer and that nothing here reads.
_UNREAD: Final = frozenset(
    {
        "Adjustments",
        "AssetTransfers",
        "CFDCharges",
        "ChangeInDividendAccruals",
        "ChangeInNAV",
        "ChangeInPositionValues",
        "ClientFees",
        "ClientFeesDetail",
        "CommissionCredits",
        "ComplexPositions",
        "DebitCardActivities",
        "DepositsOnHold",
        "EquitySummaryInBase",
        "FdicInsuredDepositsByBank",
        "FIFOPerformanceSummaryInBase",
        "FxLots",
        "FxPositions",
        "HardToBorrowDetails",
        "HardToBorrowMarkupDetails",
        "HKIPOOpenSubscriptions",
        "HKIPOSubscriptionActivity",
        "IBGNoteTransactions",
        "IncentiveCouponAccrualDetails",
        "InterestAccruals",
        "MTDYTDPerformanceSummary",
        "MTMPerformanceSummaryInBase",
        "MutualFundDividendDetails",
        "NetStockPositionSummary",
        "OpenDividendAccruals",
        "PendingExcercises",
        "PriorPeriodPositions",
        "RoutingCommissions",
        "SalesTaxes",
        "SLBActivities",
        "SLBCollaterals",
        "SLBFees",
        "SLBOpenContracts",
        "SoftDollars",
        "StkGrantActivities",
        "StmtFunds",
        "TierInterestDetails",
        "TradeTransfers",
        "TransactionTaxes",
        "UnbookedTrades",
        "UnbundledCommissionDetails",
        "UnsettledTransfers",
    }
)
_KNOWN: Final = _UNREAD | {section for section, _ in _KINDS}


def kind_of(section: str, element: str, level: str) -> str:
    """Return the name of the kind; a section that is a row itself is named twice."""
    kind = _KINDS.get((section, element), OTHER)
    return _LEVELS.get((kind, level), kind)


def is_known(section: str) -> bool:
    """Tell whether Flex queries are known to offer a section."""
    return section in _KNOWN
