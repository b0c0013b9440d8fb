-- Are the positions of each statement those of the ledger?
-- difference = by_rows + opening - stated; opening was there before the ledger's first row.
SELECT
    concat_ws('/', p.account, p.mode) AS account,
    (p.as_of AT TIME ZONE 'America/New_York' - INTERVAL 1 DAY)::DATE AS day,
    coalesce(i.symbol, p.instrument_id) AS symbol,
    p.stated,
    p.by_rows,
    p.opening,
    p.difference,
    p.state
FROM position_comparison AS p
LEFT JOIN instrument AS i USING (venue, instrument_id)
ORDER BY account, day, symbol, p.instrument_id
