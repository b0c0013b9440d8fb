-- fill, lot_match, merged_cash_movement -> realized_comparison: the P&L that IBKR states for a row
-- beside the sum of the lots that it closed, which is 0 where it closed none.
-- IBKR may give part of a commission back weeks later, as a cash movement that names no trade, and
-- count it into the P&L of the trade; the movement's amount is what tells.
INSERT INTO realized_comparison BY NAME
WITH told AS (
    SELECT * FROM fill WHERE venue = 'ibkr' AND realized_reported IS NOT NULL
),

-- both rows of a pair that the broker took back
taken_back AS (
    SELECT venue, account, mode, open_fill_id AS fill_id FROM lot_match WHERE close_kind = 'cancel'
    UNION
    SELECT venue, account, mode, close_id FROM lot_match WHERE close_kind = 'cancel'
),

closed AS (
    SELECT
        venue,
        account,
        mode,
        close_id AS fill_id,
        sum(realized_net) AS net,
        count(*) FILTER (realized_net IS NULL) AS unknown,
        count(*) FILTER (basis_state = 'missing') AS opening_missing
    FROM lot_match
    WHERE close_kind NOT IN ('settlement', 'corporate_action')
    GROUP BY ALL
),

paid_back AS (
    SELECT DISTINCT venue, account, mode, currency,
        CASE direction WHEN 'deposit' THEN amount ELSE -amount END AS amount
    FROM merged_cash_movement
    WHERE venue = 'ibkr'
        AND (
            category = 'commission_adjustment' OR contains(description, 'ADJUSTMENT: COMMISSION')
        )
),

compared AS (
    SELECT
        t.venue,
        t.account,
        t.mode,
        t.fill_id,
        t.instrument_id,
        t.asset_class,
        b.fill_id IS NOT NULL AS cancelled,
        t.realized_reported AS stated,
        CASE WHEN coalesce(c.unknown, 0) = 0 THEN coalesce(c.net, 0) END::DECIMAL(38, 20)
            AS computed,
        coalesce(c.opening_missing, 0) > 0 AS opening_missing,
        t.currency,
        t.position
    FROM told AS t
    LEFT JOIN closed AS c USING (venue, account, mode, fill_id)
    LEFT JOIN taken_back AS b USING (venue, account, mode, fill_id)
)

SELECT
    * EXCLUDE (asset_class, cancelled, opening_missing),
    computed - stated AS difference,
    CASE
        WHEN opening_missing THEN 'opening_missing'
        WHEN computed IS NULL THEN 'pending'
        WHEN computed = stated THEN 'agrees'
        -- what IBKR states has 6 places
        WHEN abs(computed - stated) <= 0.000001 THEN 'rounded'
        WHEN cancelled THEN 'cancelled'
        WHEN asset_class = 'FUT' AND stated = 0 THEN 'marked_daily'
        WHEN EXISTS (
            SELECT 1
            FROM paid_back AS p
            WHERE p.venue = c.venue
                AND p.account = c.account
                AND p.mode = c.mode
                AND p.currency = c.currency
                AND abs(c.computed + p.amount - c.stated) <= 0.000001
        )
            THEN 'commission_adjusted'
        ELSE 'differs'
    END AS state
FROM compared AS c;
