-- Where were YES and NO both held, so that revenue minus cost misstates the P&L?
-- Each pair was paid out 1.00 when it was complete; the settlement pays only what was left.
-- misstated = by_revenue - by_lots; empty where the fills are not complete.
WITH lot AS (
    SELECT venue, account, mode, instrument_id, sum(realized_gross) AS gross
    FROM lot_match
    GROUP BY ALL
)

SELECT
    concat_ws('/', s.venue, s.account, s.mode) AS account,
    s.instrument_id,
    s.yes_quantity AS yes,
    s.no_quantity AS no,
    s.revenue_reported AS revenue,
    s.revenue_reported - s.yes_cost - s.no_cost AS by_revenue,
    CASE WHEN s.fills_state = 'complete' THEN l.gross END AS by_lots,
    CASE
        WHEN s.fills_state = 'complete'
            THEN s.revenue_reported - s.yes_cost - s.no_cost - l.gross
    END AS misstated,
    (s.settled_at AT TIME ZONE 'UTC')::DATE AS settled_on
FROM settlement AS s
LEFT JOIN lot AS l USING (venue, account, mode, instrument_id)
WHERE s.yes_quantity > 0 AND s.no_quantity > 0
ORDER BY account, s.settled_at, s.instrument_id
