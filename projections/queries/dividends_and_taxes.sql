-- What did each instrument pay in dividends, and what was withheld?
-- dividends includes payments in lieu of them.
SELECT
    concat_ws('/', c.venue, c.account, c.mode) AS account,
    coalesce(i.symbol, c.instrument_id) AS symbol,
    c.currency AS ccy,
    count(*) AS rows,
    coalesce(sum(c.amount) FILTER (c.cause <> 'withholding_tax'), 0) AS dividends,
    coalesce(sum(c.amount) FILTER (c.cause = 'withholding_tax'), 0) AS withheld,
    sum(c.amount) AS net,
    min(c.report_date) AS first_on,
    max(c.report_date) AS last_on
FROM cash_ledger AS c
LEFT JOIN instrument AS i USING (venue, instrument_id)
WHERE c.cause IN ('dividend', 'payment_in_lieu', 'withholding_tax')
GROUP BY ALL
ORDER BY account, symbol NULLS LAST, ccy
