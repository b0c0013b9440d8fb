-- What came of each closed trade, how sure is it, and why was it left?
-- est_gross is what only the bot's records tell of a trade that the broker's rows leave open.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    (closed_at AT TIME ZONE 'UTC')::DATE AS closed_on,
    result,
    quality,
    exit_reason,
    return_on_cost,
    realized_net AS net,
    estimated_gross AS est_gross,
    trade_id
FROM outcome
ORDER BY account, outcome.closed_at, trade_id
