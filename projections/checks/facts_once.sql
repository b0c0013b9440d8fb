-- No two rows of a fact table have the same identity, and each fill is attributed exactly once.
-- Any row is a fault of the code.
SELECT 'fill' AS fact, concat_ws('|', venue, account, mode, fill_id) AS fact_id
FROM fill
GROUP BY venue, account, mode, fill_id
HAVING count(*) > 1
UNION ALL
SELECT 'settlement', concat_ws('|', venue, account, mode, instrument_id)
FROM settlement
GROUP BY venue, account, mode, instrument_id
HAVING count(*) > 1
UNION ALL
SELECT 'attribution', concat_ws('|', venue, account, mode, fill_id)
FROM fill AS f
FULL OUTER JOIN attribution AS a USING (venue, account, mode, fill_id)
WHERE f.position IS DISTINCT FROM a.position
