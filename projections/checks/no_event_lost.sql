-- Every event that was seen is unreadable, or was read, or is of a kind that is kept and not read;
-- and every fact that was told has its row. Any row is a fault of the code.
WITH counted AS (
    SELECT
        (SELECT coalesce(sum(events), 0) FROM drift) AS seen,
        (SELECT count(*) FROM unreadable) AS unreadable,
        (
            SELECT coalesce(sum(events), 0) FROM drift WHERE status <> 'unknown' AND reader IS NULL
        ) AS kept,
        (SELECT coalesce(sum(tellings), 0) FROM fact_count) AS told
),

rows_made AS (
    SELECT 'fill' AS fact, (SELECT count(*) FROM fill) + count(*) AS facts FROM set_aside
    UNION ALL
    SELECT 'settlement', count(*) FROM settlement
    UNION ALL
    SELECT 'order_state', count(*) FROM order_state
    UNION ALL
    SELECT 'market', count(*) FROM market
    UNION ALL
    SELECT 'series', count(*) FROM series
    UNION ALL
    SELECT 'position_snapshot', count(*) FROM position_snapshot
    UNION ALL
    SELECT 'balance_snapshot', count(*) FROM balance_snapshot
    UNION ALL
    SELECT 'cash_movement', count(*) FROM cash_movement
    UNION ALL
    SELECT 'report_transaction', count(*) FROM report_transaction
    UNION ALL
    SELECT 'report_activity', count(*) FROM report_activity
    UNION ALL
    SELECT 'statement', count(*) FROM statement
    UNION ALL
    SELECT 'commission', count(*) FROM commission
    UNION ALL
    SELECT 'corporate_action', count(*) FROM corporate_action
    UNION ALL
    SELECT 'cash_report', count(*) FROM cash_report
    UNION ALL
    SELECT 'fx_rate', count(*) FROM fx_rate
    UNION ALL
    SELECT 'transfer', count(*) FROM transfer
    UNION ALL
    SELECT 'security', count(*) FROM security
    UNION ALL
    SELECT 'account_profile', count(*) FROM account_profile
    UNION ALL
    SELECT 'option_event', count(*) FROM option_event
    UNION ALL
    SELECT 'account_value', count(*) FROM account_value
    UNION ALL
    SELECT 'posted_order', count(*) FROM posted_order
    UNION ALL
    SELECT 'decision', count(*) FROM decision
    UNION ALL
    SELECT 'bot_exit', count(*) FROM bot_exit
    UNION ALL
    SELECT 'quote', count(*) FROM quote
    UNION ALL
    SELECT 'forecast', count(*) FROM forecast
    UNION ALL
    SELECT 'observation', count(*) FROM observation
    UNION ALL
    SELECT 'rejected_line', count(*) FROM rejected_line
    UNION ALL
    SELECT 'attribution_claim', count(*) FROM attribution_claim
    UNION ALL
    SELECT 'fetch_log', count(*) FROM fetch_log
)

SELECT 'events' AS what, seen::BIGINT AS expected, (unreadable + kept + told)::BIGINT AS found
FROM counted
WHERE seen <> unreadable + kept + told
UNION ALL
SELECT fact, c.facts, r.facts
FROM fact_count AS c
FULL OUTER JOIN rows_made AS r USING (fact)
WHERE c.facts IS DISTINCT FROM r.facts
