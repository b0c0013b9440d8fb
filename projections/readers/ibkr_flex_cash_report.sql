-- ibkr.flex.cash_report -> cash_report.
-- The broker's own sums: the lines of all segments together, signed as they change cash.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.currency AS currency,
    ibkr_day(p.fromDate) AS from_date,
    ibkr_day(p.toDate) AS to_date,
    ibkr_number(p.startingCash) AS starting_cash,
    ibkr_number(p.endingCash) AS ending_cash,
    ibkr_number(p.endingSettledCash) AS ending_settled_cash,
    ibkr_number(p.commissions) AS commissions,
    ibkr_number(p.netTradesSales) AS trade_sales,
    ibkr_number(p.netTradesPurchases) AS trade_purchases,
    ibkr_number(p.cashSettlingMtm) AS cash_settling_mtm,
    ibkr_number(p.depositWithdrawals) AS deposits_withdrawals,
    ibkr_sum([p.accountTransfers, p.internalTransfers]) AS account_transfers,
    ibkr_number(p.dividends) AS dividends,
    ibkr_number(p.paymentInLieu) AS payment_in_lieu,
    ibkr_number(p.withholdingTax) AS withholding_tax,
    ibkr_number(p.brokerInterest) AS broker_interest,
    ibkr_number(p.otherFees) AS other_fees,
    ibkr_number(p.other) AS other,
    ibkr_excess(
        NULL,
        NULL,
        NULL,
        [
            p.startingCash, p.endingCash, p.endingSettledCash, p.commissions, p.netTradesSales,
            p.netTradesPurchases, p.cashSettlingMtm, p.depositWithdrawals, p.accountTransfers,
            p.internalTransfers, p.dividends, p.paymentInLieu, p.withholdingTax,
            p.brokerInterest, p.otherFees, p.other
        ],
        NULL
    ) AS contradiction
FROM decoded
