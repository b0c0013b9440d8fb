-- What has trading cost in fees, series by series?
-- fees are those of the fills whose fee is known; fills_pending are the others.
SELECT
    concat_ws('/', f.venue, f.account, f.mode) AS account,
    coalesce(i.series, '?') AS series,
    f.currency AS ccy,
    count(*) AS fills,
    count(*) FILTER (f.liquidity = 'maker') AS maker,
    sum(f.quantity) AS contracts,
    sum(f.fee) AS fees,
    count(*) FILTER (f.fee_state = 'from_settlement') AS fills_shared,
    count(*) FILTER (f.fee_state = 'pending') AS fills_pending
FROM fill AS f
LEFT JOIN instrument AS i USING (venue, instrument_id)
GROUP BY ALL
ORDER BY account, series, ccy
