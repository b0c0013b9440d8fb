-- position, settlement, merged_market, stream_coverage -> canary: positions that are open by the
-- fills in a market that has ended, although its settlement would have been fetched.
-- Kalshi gives up old settlements: what they paid is then missing from cash and P&L. Only where the
-- settlements were complete up to the market's last change; before that one may still come.
INSERT INTO canary BY NAME
WITH reached AS (
    SELECT venue, account, mode, max(covered_until) AS covered_until
    FROM stream_coverage
    WHERE stream = 'settlements'
    GROUP BY ALL
),

held AS (
    SELECT venue, account, mode, instrument_id, sum(quantity) AS quantity
    FROM position
    GROUP BY ALL
)

SELECT
    h.venue,
    h.account,
    h.mode,
    'settlement_missing' AS rule,
    h.instrument_id AS subject,
    NULL AS found,
    NULL AS expected,
    'the market is ' || m.status || coalesce(', ' || m.result, '')
    || ', and by the fills a position is open' AS detail,
    m.position
FROM held AS h
INNER JOIN merged_market AS m USING (venue, account, mode, instrument_id)
INNER JOIN reached AS r USING (venue, account, mode)
ANTI JOIN settlement AS s
    ON s.venue = h.venue
    AND s.account = h.account
    AND s.mode = h.mode
    AND s.instrument_id = h.instrument_id
WHERE m.status IN ('finalized', 'settled')
    AND coalesce(m.updated_at, m.closes_at) <= r.covered_until;
