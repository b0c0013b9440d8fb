-- What became of each decision?
SELECT
    concat_ws('/', venue, account, mode) AS account,
    date_trunc('second', decided_at AT TIME ZONE 'UTC') AS decided_at,
    strategy,
    state,
    result,
    hit_tp,
    fills,
    instrument_id,
    decision_id
FROM decision_outcome
ORDER BY account, decision_outcome.decided_at, decision_id
