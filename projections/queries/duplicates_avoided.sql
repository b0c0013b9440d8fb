-- How often was the same thing told again, in other words, without being counted twice?
-- retold = events - unreadable - facts. What came again word for word is not even in the log.
-- A fill that a live message told and a page of fills told again is told twice.
WITH event AS (
    SELECT
        CASE kind WHEN 'kalshi.fill_message' THEN 'kalshi.fill' ELSE kind END AS kind,
        sum(events)::BIGINT AS events
    FROM drift
    GROUP BY ALL
),

unread AS (
    SELECT
        CASE kind WHEN 'kalshi.fill_message' THEN 'kalshi.fill' ELSE kind END AS kind,
        count(*) AS unreadable
    FROM unreadable
    GROUP BY ALL
),

fact AS (
    SELECT 'kalshi.fill' AS kind, count(*) AS facts FROM fill WHERE venue = 'kalshi'
    UNION ALL
    SELECT 'kalshi.settlement', count(*) FROM settlement WHERE venue = 'kalshi'
    UNION ALL
    SELECT 'kalshi.order', count(*) FROM order_state WHERE venue = 'kalshi'
    UNION ALL
    SELECT 'kalshi.market', count(*) FROM market WHERE venue = 'kalshi'
    UNION ALL
    SELECT 'kalshi.series', count(*) FROM series WHERE venue = 'kalshi'
    UNION ALL
    SELECT 'kalshi.' || direction, count(*) FROM cash_movement WHERE venue = 'kalshi'
    GROUP BY direction
)

SELECT
    kind,
    e.events,
    coalesce(u.unreadable, 0) AS unreadable,
    f.facts,
    e.events - coalesce(u.unreadable, 0) - f.facts AS retold
FROM event AS e
INNER JOIN fact AS f USING (kind)
LEFT JOIN unread AS u USING (kind)
ORDER BY kind
