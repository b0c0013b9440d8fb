-- Which open positions are in markets that the exchange has already decided?
-- Their settlement was not taken in yet, or fills came after it.
SELECT
    concat_ws('/', p.venue, p.account, p.mode) AS account,
    p.subaccount AS sub,
    p.instrument_id,
    p.quantity,
    p.cost,
    m.status,
    nullif(m.result, '') AS result,
    (m.closes_at AT TIME ZONE 'UTC')::DATE AS closes_on,
    (s.settled_at AT TIME ZONE 'UTC')::DATE AS settled_on
FROM position AS p
LEFT JOIN settlement AS s USING (venue, account, mode, instrument_id)
LEFT JOIN market AS m USING (venue, account, mode, instrument_id)
WHERE nullif(m.result, '') IS NOT NULL OR s.settled_at IS NOT NULL
ORDER BY account, sub, p.instrument_id, p.currency
