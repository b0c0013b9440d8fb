"""Positions of a Flex statement, what they are of, and what changed them without a trade."""

from typing import Final

from domain.ibkr.attributes import reader

OPEN_POSITION: Final = "ibkr.flex.open_position"
CORPORATE_ACTION: Final = "ibkr.flex.corporate_action"
TRANSFER: Final = "ibkr.flex.transfer"
SECURITY_INFO: Final = "ibkr.flex.security_info"

_SPOKEN: Final = "2018 to 2026"

OPEN_POSITION_READERS: Final = (
    reader(
        OPEN_POSITION,
        _SPOKEN,
        required="conid currency position",
        optional=(
            "assetCategory costBasisMoney costBasisPrice fifoPnlUnrealized levelOfDetail markPrice "
            "multiplier positionValue side symbol"
        ),
        ignored=(
            "accruedInt holdingPeriodDateTime openDateTime openPrice originatingOrderID "
            "originatingTransactionID percentOfNAV positionValueInBase unrealizedCapitalGainsPnl "
            "unrealizedlFxPnl vestingDate"
        ),
    ),
)
CORPORATE_ACTION_READERS: Final = (
    reader(
        CORPORATE_ACTION,
        _SPOKEN,
        required="assetCategory conid currency proceeds quantity",
        optional=(
            "actionDescription actionID dateTime description fifoPnlRealized fxRateToBase "
            "levelOfDetail multiplier reportDate symbol transactionID type"
        ),
        ignored=(
            "accruedInt amount capitalGainsPnl costBasis fxPnl mtmPnl realizedPnl tradeDate "
            "tradeMoney value"
        ),
    ),
)
TRANSFER_READERS: Final = (
    reader(
        TRANSFER,
        _SPOKEN,
        required="currency direction type",
        optional=(
            "assetCategory cashTransfer conid date dateTime levelOfDetail multiplier quantity "
            "reportDate settleDate symbol transactionID transferPrice"
        ),
        ignored=(
            "account accountName clientReference company deliveringBroker fxPnl pnlAmount "
            "pnlAmountInBase positionAmount positionAmountInBase positionInstructionID "
            "positionInstructionSetID tradeID"
        ),
    ),
)
SECURITY_INFO_READERS: Final = (
    reader(
        SECURITY_INFO,
        _SPOKEN,
        required="assetCategory conid symbol",
        optional=(
            "currency cusip description expiry isin multiplier putCall strike underlyingConid "
            "underlyingSymbol"
        ),
        ignored="issueDate maturity settlementPolicyMethod type",
    ),
)
