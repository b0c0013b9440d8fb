-- Month by month, how many fills and settlements are there, and over how many days and markets?
-- A month that is missing, or thin, between full ones is a month that was not taken in.
WITH happened AS (
    SELECT venue, account, mode, 'fill' AS fact, instrument_id, executed_at AS moment FROM fill
    UNION ALL
    SELECT venue, account, mode, 'settlement', instrument_id, settled_at FROM settlement
)

SELECT
    concat_ws('/', venue, account, mode) AS account,
    strftime(moment AT TIME ZONE 'UTC', '%Y-%m') AS month,
    fact,
    count(*) AS facts,
    count(DISTINCT instrument_id) AS markets,
    count(DISTINCT (moment AT TIME ZONE 'UTC')::DATE) AS days,
    (min(moment) AT TIME ZONE 'UTC')::DATE AS first_on,
    (max(moment) AT TIME ZONE 'UTC')::DATE AS last_on
FROM happened
GROUP BY ALL
ORDER BY account, month, fact
