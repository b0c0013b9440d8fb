-- A round trip is the sum of its lots, closed and open. Any row is a fault of the code.
WITH lots AS (
    SELECT venue, account, mode, trade_id, sum(quantity) AS quantity, sum(gross) AS gross,
        CASE WHEN count(net) = count(gross) THEN coalesce(sum(net), 0) END AS net
    FROM (
        SELECT venue, account, mode, trade_id, quantity, realized_gross AS gross,
            realized_net AS net
        FROM lot_match
        UNION ALL
        SELECT venue, account, mode, trade_id, quantity, NULL, NULL FROM open_lot
    )
    GROUP BY ALL
)

SELECT venue, account, mode, trade_id, t.realized_gross, l.gross, t.realized_net, l.net
FROM trade AS t
FULL OUTER JOIN lots AS l USING (venue, account, mode, trade_id)
WHERE t.quantity IS DISTINCT FROM l.quantity
    OR t.realized_gross IS DISTINCT FROM coalesce(l.gross, 0)
    OR t.realized_net IS DISTINCT FROM l.net
