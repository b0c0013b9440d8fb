-- Of which rows does the ledger give another realized P&L than the broker?
-- An empty figure is one that the ledger does not know.
SELECT
    concat_ws('/', r.account, r.mode) AS account,
    coalesce(i.symbol, r.instrument_id) AS symbol,
    r.stated,
    r.computed,
    r.difference,
    r.currency AS ccy,
    r.state,
    r.position
FROM realized_comparison AS r
LEFT JOIN instrument AS i USING (venue, instrument_id)
WHERE r.state NOT IN ('agrees', 'rounded')
ORDER BY account, r.position
