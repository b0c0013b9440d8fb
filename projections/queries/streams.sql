-- How far is each stream of a broker known, and how did its newest fetch end?
-- From covered_from to covered_until nothing is missing; gaps are holes before that.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    stream,
    state,
    rows,
    gaps,
    date_trunc('second', last_complete_at AT TIME ZONE 'UTC') AS last_complete,
    date_trunc('second', covered_until AT TIME ZONE 'UTC') AS covered_until,
    reason
FROM stream_status
ORDER BY account, stream
