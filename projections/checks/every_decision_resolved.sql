-- Every decision has one row that says what became of it, every closed trade an outcome with the
-- trade's own figures, and no word of a bot closes anything. Any row is a fault of the code.
WITH counted AS (
    SELECT
        (SELECT count(*) FROM decision) AS decisions,
        (SELECT count(*) FROM decision_outcome) AS resolved,
        (SELECT count(DISTINCT (venue, account, mode, decision_id)) FROM decision_outcome) AS ids
),

states AS (
    SELECT outcome, state, count(*) AS decisions
    FROM decision_outcome
    WHERE (outcome <> 'posted' AND state <> outcome)
        OR (outcome = 'posted' AND state IN ('shadow', 'skipped'))
        OR (state IN ('resolved', 'result_unknown', 'open')) <> (fills > 0 AND outcome = 'posted')
        OR (state = 'resolved') <> coalesce(result <> 'unknown', FALSE)
    GROUP BY ALL
)

SELECT 'decisions' AS what, decisions::VARCHAR AS expected, resolved::VARCHAR AS found
FROM counted
WHERE decisions <> resolved OR decisions <> ids
UNION ALL
SELECT 'state of decisions ' || outcome, state, decisions::VARCHAR
FROM states
UNION ALL
SELECT
    'outcome of trade ' || coalesce(t.trade_id, o.trade_id),
    concat_ws(' ', t.closed_at::VARCHAR, t.realized_net::VARCHAR),
    concat_ws(' ', o.closed_at::VARCHAR, o.realized_net::VARCHAR, o.quality)
FROM (SELECT * FROM trade WHERE closed_at IS NOT NULL AND NOT cancelled) AS t
FULL OUTER JOIN (SELECT * FROM outcome WHERE quality = 'broker') AS o
    ON o.venue = t.venue AND o.account = t.account AND o.mode = t.mode
    AND o.trade_id = t.trade_id
WHERE t.trade_id IS NULL
    OR o.trade_id IS NULL
    OR t.closed_at <> o.closed_at
    OR t.realized_net IS DISTINCT FROM o.realized_net
UNION ALL
SELECT 'money of trade ' || trade_id, 'none', realized_net::VARCHAR
FROM outcome
WHERE quality <> 'broker' AND realized_net IS NOT NULL
