-- Of which fills has nobody stated the fee yet, market by market?
-- A market that has settled and is still listed here settled without a fee, or lacks fills.
SELECT
    concat_ws('/', f.venue, f.account, f.mode) AS account,
    f.instrument_id,
    count(*) AS fills,
    sum(f.quantity) AS contracts,
    (min(f.executed_at) AT TIME ZONE 'UTC')::DATE AS first_on,
    (max(f.executed_at) AT TIME ZONE 'UTC')::DATE AS last_on,
    (s.settled_at AT TIME ZONE 'UTC')::DATE AS settled_on,
    s.fee_reported
FROM fill AS f
LEFT JOIN settlement AS s USING (venue, account, mode, instrument_id)
WHERE f.fee_state = 'pending'
GROUP BY ALL
ORDER BY account, f.instrument_id
