-- Does the cash of each statement follow from its rows, currency by currency?
-- difference = starting cash + the ledger's entries of the days - ending cash; see
-- `cash_comparison.reason` for what lies behind one.
SELECT
    concat_ws('/', account, mode) AS account,
    currency AS ccy,
    to_date,
    entries,
    ending_cash AS ending,
    difference,
    state
FROM cash_comparison
ORDER BY account, from_date, to_date, ccy
