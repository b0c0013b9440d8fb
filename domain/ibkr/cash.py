"""Cash of a Flex statement: what moved, what it sums up to, and what currencies were worth."""

from typing import Final

from domain.ibkr.attributes import reader

CASH_TRANSACTION: Final = "ibkr.flex.cash_transaction"
CASH_REPORT: Final = "ibkr.flex.cash_report"
CONVERSION_RATE: Final = "ibkr.flex.conversion_rate"

_SPOKEN: Final = "2018 to 2026"

CASH_TRANSACTION_READERS: Final = (
    reader(
        CASH_TRANSACTION,
        _SPOKEN,
        required="amount currency type",
        optional=(
            "actionID conid dateTime description fxRateToBase levelOfDetail reportDate settleDate "
            "transactionID"
        ),
        ignored="availableForTradingDate clientReference exDate tradeID",
    ),
)

_LINES: Final = (
    "accountTransfers advisorFees billPay billableCommissions billableSalesTax bondInterest "
    "brokerFees brokerInterest carbonCredits cashSettlingMtm cfdCharges clientFees "
    "commissionCreditsRedemption commissions debitCardActivity depositWithdrawals deposits "
    "dividends donations endingCash endingSettledCash excessFundSweep feesReceivables "
    "fxTranslationGainLoss insuredDepositInterest internalTransfers ipoSubscription "
    "linkingAdjustments netTradesPurchases netTradesSales other otherFees otherIncome "
    "paxosTransfers paymentInLieu realizedForexVm realizedVm referralFee salesTax "
    "slbEndingCashCollateral slbNetCash slbNetSecuritiesLentActivity slbNetSettledCash "
    "slbStartingCashCollateral startingCash taxReceivables transactionTax withdrawals "
    "withholding871m withholdingCollectedTax withholdingTax"
)
# the same line of the securities and commodities segments, of the sister company, and to date
_PARTS: Final = ("", "Sec", "Com", "IBUKL", "Paxos", "MTD", "YTD")

CASH_REPORT_READERS: Final = (
    reader(
        CASH_REPORT,
        _SPOKEN,
        required="currency endingCash fromDate startingCash toDate",
        optional=(
            "accountTransfers brokerInterest cashSettlingMtm commissions depositWithdrawals "
            "dividends endingSettledCash internalTransfers netTradesPurchases netTradesSales other "
            "otherFees paymentInLieu withholdingTax"
        ),
        ignored=" ".join(f"{line}{part}" for line in _LINES.split() for part in _PARTS),
    ),
)
CONVERSION_RATE_READERS: Final = (
    reader(CONVERSION_RATE, _SPOKEN, required="fromCurrency rate reportDate toCurrency"),
)
