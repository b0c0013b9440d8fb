-- P&L is one number: by account and currency, and by day, strategy and family (unattributed
-- included), daily_pnl says what lot_match says, and leaves the same unknown. Any row is a fault of
-- the code.
WITH by_lots AS (
    SELECT
        (l.closed_at AT TIME ZONE 'UTC')::DATE AS day,
        l.venue,
        l.account,
        l.mode,
        l.currency,
        l.strategy,
        i.family,
        l.fee_state,
        l.basis_state,
        count(*) AS lots,
        sum(l.realized_gross) AS gross,
        sum(l.fees) AS fees,
        sum(l.realized_net) AS net
    FROM lot_match AS l
    LEFT JOIN instrument AS i USING (venue, instrument_id)
    GROUP BY ALL
),

by_days AS (
    SELECT
        day,
        venue,
        account,
        mode,
        currency,
        strategy,
        family,
        fee_state,
        basis_state,
        lots,
        realized_gross,
        fees,
        realized_net
    FROM daily_pnl
)

SELECT 'only lot_match says' AS what, *
FROM (SELECT * FROM by_lots EXCEPT ALL SELECT * FROM by_days)
UNION ALL
SELECT 'only daily_pnl says', *
FROM (SELECT * FROM by_days EXCEPT ALL SELECT * FROM by_lots)
