-- A position is the sum of the fills that no settlement has closed, and of its open lots.
-- Any row is a fault of the code.
WITH lots AS (
    SELECT venue, account, mode, subaccount, instrument_id, sum(cost) AS cost,
        sum(CASE direction WHEN 'long' THEN quantity ELSE -quantity END) AS quantity
    FROM open_lot
    GROUP BY ALL
),

fills AS (
    SELECT
        f.venue,
        f.account,
        f.mode,
        f.subaccount,
        f.instrument_id,
        sum(CASE f.side WHEN 'buy' THEN f.quantity ELSE -f.quantity END) AS quantity
    FROM fill AS f
    LEFT JOIN settlement AS s USING (venue, account, mode, instrument_id)
    WHERE s.settled_at IS NULL OR f.executed_at > s.settled_at
    GROUP BY ALL
    HAVING sum(CASE f.side WHEN 'buy' THEN f.quantity ELSE -f.quantity END) <> 0
)

SELECT venue, account, mode, subaccount, instrument_id, p.quantity, l.quantity AS by_lots,
    f.quantity AS by_fills, p.cost, l.cost AS cost_by_lots
FROM position AS p
FULL OUTER JOIN lots AS l USING (venue, account, mode, subaccount, instrument_id)
FULL OUTER JOIN fills AS f USING (venue, account, mode, subaccount, instrument_id)
WHERE p.quantity IS DISTINCT FROM l.quantity
    OR p.quantity IS DISTINCT FROM f.quantity
    OR p.cost IS DISTINCT FROM l.cost
