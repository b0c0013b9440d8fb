-- At IBKR every row that moves cash moves it once: what fills, exchanges and cash movements say in
-- one currency is what the cash ledger has in it. Any row is a fault of the code.
WITH due AS (
    SELECT venue, account, mode, currency, proceeds AS amount
    FROM fill
    WHERE venue = 'ibkr' AND asset_class NOT IN ('CASH', 'FUT') AND proceeds IS NOT NULL
    UNION ALL
    SELECT
        venue,
        account,
        mode,
        currency,
        CASE direction WHEN 'deposit' THEN amount ELSE -amount END
    FROM cash_movement
    WHERE venue = 'ibkr' AND status = 'applied'
),

stated AS (
    SELECT venue, account, mode, currency, sum(amount) AS amount FROM due GROUP BY ALL
),

entered AS (
    SELECT c.venue, c.account, c.mode, c.currency, sum(c.amount) AS amount
    FROM cash_ledger AS c
    LEFT JOIN fill AS f
        ON f.venue = c.venue
        AND f.account = c.account
        AND f.mode = c.mode
        AND f.fill_id = c.reference
        AND c.cause = 'fill'
    WHERE c.venue = 'ibkr'
        AND CASE c.cause
            WHEN 'fill' THEN f.proceeds IS NOT NULL
            ELSE
                c.cause NOT IN ('fee', 'conversion', 'variation', 'corporate_action', 'transfer')
        END
    GROUP BY ALL
)

SELECT venue, account, mode, currency, s.amount AS stated, e.amount AS entered
FROM stated AS s
FULL OUTER JOIN entered AS e USING (venue, account, mode, currency)
WHERE coalesce(s.amount, 0) <> coalesce(e.amount, 0)
