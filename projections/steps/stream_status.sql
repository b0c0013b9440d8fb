-- merged_fetch_log, stream_coverage -> stream_status: how far each stream is to be trusted.
-- The newest fetch is the one that began last; of two that began together, the later in the log.
-- Invariant: one row for each stream that was ever fetched.
INSERT INTO stream_status BY NAME
WITH fetched AS (
    SELECT
        broker AS venue,
        account,
        mode,
        stream,
        arg_max(struct_pack(state, reason, rows), (started_at, position)) AS newest,
        max(started_at) AS last_fetch_at,
        max(started_at) FILTER (state = 'complete') AS last_complete_at
    FROM merged_fetch_log
    WHERE broker IS NOT NULL
        AND stream IS NOT NULL
        AND state IS NOT NULL
        AND started_at IS NOT NULL
    GROUP BY ALL
),

covered AS (
    SELECT
        venue,
        account,
        mode,
        stream,
        max(covered_from) AS covered_from,
        max(covered_until) AS covered_until,
        count(*) - 1 AS gaps
    FROM stream_coverage
    GROUP BY ALL
)

SELECT
    f.venue,
    f.account,
    f.mode,
    f.stream,
    f.newest.state AS state,
    f.newest.reason AS reason,
    f.newest.rows AS rows,
    f.last_fetch_at,
    f.last_complete_at,
    c.covered_from,
    c.covered_until,
    coalesce(c.gaps, 0) AS gaps
FROM fetched AS f
LEFT JOIN covered AS c USING (venue, account, mode, stream);
