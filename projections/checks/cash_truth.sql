-- Trading cash = realized P&L - cost of what is open, before fees: for each holding of Kalshi.
-- Any row is a fault of the code.
WITH cash AS (
    SELECT venue, account, mode, subaccount, instrument_id, sum(amount) AS amount
    FROM cash_ledger
    WHERE cause IN ('fill', 'redemption', 'settlement')
    GROUP BY ALL
),

lots AS (
    SELECT venue, account, mode, subaccount, instrument_id, sum(amount) AS amount
    FROM (
        SELECT venue, account, mode, subaccount, instrument_id, realized_gross AS amount
        FROM lot_match
        UNION ALL
        SELECT venue, account, mode, subaccount, instrument_id, -cost
        FROM open_lot
    )
    GROUP BY ALL
)

SELECT
    venue, account, mode, subaccount, instrument_id, c.amount AS by_cash, l.amount AS by_lots
FROM cash AS c
FULL OUTER JOIN lots AS l USING (venue, account, mode, subaccount, instrument_id)
WHERE venue = 'kalshi' AND c.amount IS DISTINCT FROM l.amount
