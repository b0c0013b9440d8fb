-- settlement, merged_market -> canary: settlements whose revenue is not what was due, and results
-- that were left out.
-- Netted settlements pay 0 by right and are none of them. An empty result was that of a scalar
-- market until January 2026; one that pays like yes or no, or a final market that settled yes or
-- no, has lost its result.
INSERT INTO canary BY NAME
SELECT
    venue,
    account,
    mode,
    'revenue_' || revenue_state AS rule,
    instrument_id AS subject,
    revenue_reported AS found,
    CASE WHEN fills_state = 'complete' THEN revenue_computed END AS expected,
    CASE fills_state
        WHEN 'complete' THEN 'due by the fills'
        ELSE 'due by the counts of the settlement; the fills are not complete'
    END AS detail,
    position
FROM settlement
WHERE revenue_state IN ('missing', 'differs')
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    'result_missing' AS rule,
    instrument_id AS subject,
    NULL AS found,
    NULL AS expected,
    'settled without yes or no, and pays like one of them' AS detail,
    position
FROM settlement
WHERE NOT result_named AND payout IN (0, 1)
UNION ALL BY NAME
SELECT
    m.venue,
    m.account,
    m.mode,
    'market_result_missing' AS rule,
    m.instrument_id AS subject,
    NULL AS found,
    NULL AS expected,
    'the market is ' || m.status || ' without a result; it settled ' || s.result AS detail,
    m.position
FROM merged_market AS m
INNER JOIN settlement AS s USING (venue, account, mode, instrument_id)
WHERE m.status IN ('finalized', 'settled') AND m.result IS NULL AND s.result IN ('yes', 'no');
