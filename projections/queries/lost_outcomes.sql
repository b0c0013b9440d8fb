-- Which trades does the bot alone hold closed, and what can they be valued from?
-- Late executions of the broker turn such a row into a result.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    instrument_id,
    quality,
    result,
    exit_reason_told AS told,
    cost,
    estimated_gross AS est_gross,
    (closed_at AT TIME ZONE 'UTC')::DATE AS told_on,
    trade_id
FROM outcome
WHERE quality <> 'broker'
ORDER BY account, outcome.closed_at, trade_id
