-- For which time between two fetches is it unknown whether a stream had rows?
-- Times are UTC. What came before the first fetch of a stream is not listed.
WITH stretch AS (
    SELECT
        *,
        lag(covered_until) OVER (
            PARTITION BY venue, account, mode, stream ORDER BY covered_from
        ) AS covered_before
    FROM stream_coverage
)

SELECT
    concat_ws('/', venue, account, mode) AS account,
    stream,
    covered_before AT TIME ZONE 'UTC' AS unknown_from,
    covered_from AT TIME ZONE 'UTC' AS unknown_until
FROM stretch
WHERE covered_before IS NOT NULL
ORDER BY account, stream, unknown_from
