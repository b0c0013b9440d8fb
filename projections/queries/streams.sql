-- How far is each stream of a broker known, and how did its newest fetch end?
-- From covered_from to covered_until nothing is missing; gaps are holes before that.
SELECT
    stream,
    state,
    gaps,
    date_trunc('second', covered_until AT TIME ZONE 'UTC') AS covered_until,
    reason,
    concat_ws('/', venue, account, mode) AS account
FROM stream_status
ORDER BY account, stream
