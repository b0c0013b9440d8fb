-- How many fills does each rule attribute to a strategy, and on what evidence?
SELECT
    concat_ws('/', f.venue, f.account, f.mode) AS account,
    a.strategy,
    a.rule,
    a.prefix,
    a.confidence,
    count(*) AS fills,
    sum(f.quantity) AS contracts,
    (min(f.executed_at) AT TIME ZONE 'UTC')::DATE AS first_on,
    (max(f.executed_at) AT TIME ZONE 'UTC')::DATE AS last_on
FROM attribution AS a
INNER JOIN fill AS f USING (venue, account, mode, fill_id)
GROUP BY ALL
ORDER BY account, strategy, rule, prefix NULLS FIRST, confidence
