-- Which 20 trades lost most?
-- A trade whose fees are not all known has no net, and its place is that of its gross P&L.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    symbol AS instrument,
    CASE direction WHEN 'long' THEN t.quantity ELSE -t.quantity END AS quantity,
    realized_gross AS gross,
    fees,
    realized_net AS net,
    strategy,
    (closed_at AT TIME ZONE 'UTC')::DATE AS closed_on,
    trade_id
FROM trade AS t
INNER JOIN instrument USING (venue, instrument_id)
WHERE coalesce(realized_net, realized_gross) < 0
ORDER BY coalesce(realized_net, realized_gross), account, trade_id
LIMIT 20
