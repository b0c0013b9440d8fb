-- merged_fetch_log -> stream_coverage: for which time all rows of a stream were fetched.
-- The union of what complete fetches cover; stretches that touch or overlap become one. An
-- incomplete fetch covers nothing, however many rows it brought.
-- Invariant: the stretches of a stream are apart from each other, and cover nothing else.
INSERT INTO stream_coverage BY NAME
WITH reached AS (
    SELECT
        broker AS venue,
        account,
        mode,
        stream,
        covered_from,
        covered_until,
        max(covered_until) OVER (
            PARTITION BY broker, account, mode, stream
            ORDER BY covered_from, covered_until
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_before
    FROM merged_fetch_log
    WHERE state = 'complete'
        AND broker IS NOT NULL
        AND stream IS NOT NULL
        AND covered_from IS NOT NULL
        AND covered_until IS NOT NULL
),

numbered AS (
    SELECT
        *,
        -- a stretch begins where nothing before it reaches
        count(*) FILTER (covered_before IS NULL OR covered_from > covered_before) OVER (
            PARTITION BY venue, account, mode, stream
            ORDER BY covered_from, covered_until
            ROWS UNBOUNDED PRECEDING
        ) AS stretch
    FROM reached
)

SELECT
    venue,
    account,
    mode,
    stream,
    min(covered_from) AS covered_from,
    max(covered_until) AS covered_until
FROM numbered
GROUP BY venue, account, mode, stream, stretch;
