-- A position is the sum of its open lots, and of everything that changed it: fills that no
-- settlement has closed, what was there before, corporate actions, transfers. Any row is a fault of
-- the code.
WITH lots AS (
    SELECT venue, account, mode, subaccount, instrument_id,
        CASE WHEN count(cost) = count(*) THEN sum(cost) END AS cost,
        sum(CASE direction WHEN 'long' THEN quantity ELSE -quantity END) AS quantity
    FROM open_lot
    GROUP BY ALL
),

changes AS (
    SELECT
        f.venue,
        f.account,
        f.mode,
        f.subaccount,
        f.instrument_id,
        CASE f.side WHEN 'buy' THEN f.quantity ELSE -f.quantity END AS quantity
    FROM fill AS f
    LEFT JOIN settlement AS s USING (venue, account, mode, instrument_id)
    WHERE (s.settled_at IS NULL OR f.executed_at > s.settled_at) AND f.asset_class <> 'CASH'
    UNION ALL
    SELECT venue, account, mode, subaccount, instrument_id, quantity FROM opening
    UNION ALL
    SELECT venue, account, mode, 0, instrument_id, quantity
    FROM corporate_action
    WHERE asset_class <> 'CASH'
    UNION ALL
    SELECT venue, account, mode, 0, instrument_id, quantity
    FROM transfer
    WHERE instrument_id IS NOT NULL AND asset_class IS DISTINCT FROM 'CASH' AND quantity <> 0
),

told AS (
    SELECT venue, account, mode, subaccount, instrument_id, sum(quantity) AS quantity
    FROM changes
    GROUP BY ALL
    HAVING sum(quantity) <> 0
)

SELECT venue, account, mode, subaccount, instrument_id, p.quantity, l.quantity AS by_lots,
    t.quantity AS by_changes, p.cost, l.cost AS cost_by_lots
FROM position AS p
FULL OUTER JOIN lots AS l USING (venue, account, mode, subaccount, instrument_id)
FULL OUTER JOIN told AS t USING (venue, account, mode, subaccount, instrument_id)
WHERE p.quantity IS DISTINCT FROM l.quantity
    OR p.quantity IS DISTINCT FROM t.quantity
    OR p.cost IS DISTINCT FROM l.cost
