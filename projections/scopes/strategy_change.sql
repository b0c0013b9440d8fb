-- fill, attribution, old_fill, stored_fill, stored_attribution, strategy_exit -> strategy_change
-- (temporary): by how many executions each strategy has more than before, when the last of its new
-- ones and the last of those in whose place they come were.
CREATE TEMP TABLE strategy_change AS
WITH moved AS (
    SELECT a.venue, a.account, a.mode, a.strategy, f.executed_at, 1 AS fills
    FROM attribution AS a
    INNER JOIN fill AS f ON f.position = a.position
    WHERE f.booking = 'execution'
    UNION ALL
    SELECT a.venue, a.account, a.mode, a.strategy, f.executed_at, -1
    FROM stored_fill AS f
    INNER JOIN stored_attribution AS a ON a.position = f.position
    WHERE f.booking = 'execution' AND f.row IN (SELECT row FROM old_fill)
)

SELECT
    m.venue,
    m.account,
    m.mode,
    coalesce(r.parent, m.strategy) AS strategy,
    sum(m.fills)::BIGINT AS fills,
    max(m.executed_at) FILTER (m.fills = 1) AS last_new_at,
    max(m.executed_at) FILTER (m.fills = -1) AS last_old_at
FROM moved AS m
LEFT JOIN (SELECT strategy, parent FROM strategy_exit WHERE rolls_up) AS r
    ON r.strategy = m.strategy
GROUP BY ALL;
