-- stored_decision, stored_stream_coverage, stored_fetch_log, rule_setting -> for each posted
-- decision on Kalshi whose order would have been listed, the first event that says so, as
-- `decision_outcome` reads it.
WITH due AS (
    SELECT
        d.venue,
        d.account,
        d.mode,
        d.decision_id,
        d.instrument_id,
        d.decided_at,
        d.decided_at + s.order_grace_seconds * INTERVAL 1 SECOND AS due_at
    FROM stored_decision AS d
    CROSS JOIN rule_setting AS s
    WHERE d.outcome = 'posted' AND d.venue = 'kalshi'
),

covered AS (
    SELECT d.*
    FROM due AS d
    SEMI JOIN stored_stream_coverage AS c
        ON c.venue = d.venue AND c.account = d.account AND c.mode = d.mode
        AND c.covered_from <= d.decided_at
        AND c.covered_until >= d.due_at
        AND c.stream = 'orders'
),

asked AS (
    SELECT
        broker AS venue,
        account,
        mode,
        covered_until,
        min(position) OVER (
            PARTITION BY broker, account, mode ORDER BY covered_until DESC
        ) AS position
    FROM stored_fetch_log
    WHERE state = 'complete' AND covered_until IS NOT NULL
        AND stream = 'orders'
)

SELECT c.venue, c.account, c.mode, c.decision_id, c.instrument_id, a.position
FROM covered AS c
ASOF LEFT JOIN (
    SELECT venue, account, mode, covered_until, min(position) AS position
    FROM asked
    GROUP BY ALL
) AS a
    ON a.venue = c.venue AND a.account = c.account AND a.mode = c.mode
    AND a.covered_until >= c.due_at
