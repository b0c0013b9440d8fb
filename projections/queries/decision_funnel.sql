-- How many decisions of each strategy became fills and results, and where did the others stop?
-- no_fill: their order rests, or ended without one.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    strategy,
    count(*) AS decided,
    count(*) FILTER (state IN ('shadow', 'skipped')) AS not_meant,
    count(*) FILTER (state = 'unknown') AS unknown,
    count(*) FILTER (state = 'not_seen') AS not_seen,
    count(*) FILTER (state IN ('working', 'not_filled')) AS no_fill,
    count(*) FILTER (state = 'open') AS held,
    count(*) FILTER (state = 'result_unknown') AS no_result,
    count(*) FILTER (state = 'resolved') AS resolved
FROM decision_outcome
GROUP BY ALL
ORDER BY account, strategy
