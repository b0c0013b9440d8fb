-- How many rows does the ledger give the same realized P&L as the broker, and why not the others?
SELECT
    concat_ws('/', r.account, r.mode) AS account,
    f.asset_class AS class,
    r.state,
    count(*) AS rows,
    r.currency AS ccy,
    sum(r.stated) AS stated,
    sum(r.computed) AS computed,
    sum(r.difference) AS difference
FROM realized_comparison AS r
INNER JOIN fill AS f USING (venue, account, mode, fill_id)
GROUP BY ALL
ORDER BY account, class, r.state, ccy
