-- fill, attribution, strategy_exit -> strategy_fill (temporary): how many executions each strategy
-- has, with those of what closes its positions, and when the last of them was.
CREATE TEMP TABLE strategy_fill AS
SELECT
    a.venue,
    a.account,
    a.mode,
    coalesce(r.parent, a.strategy) AS strategy,
    count(*) AS fills,
    max(f.executed_at) AS last_fill_at
FROM attribution AS a
INNER JOIN fill AS f ON f.position = a.position
LEFT JOIN (SELECT strategy, parent FROM strategy_exit WHERE rolls_up) AS r
    ON r.strategy = a.strategy
WHERE f.booking = 'execution'
GROUP BY ALL;
