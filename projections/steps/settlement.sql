-- merged_settlement, fill, payment -> settlement: what the broker says beside what is due.
-- Never trust, never distrust `revenue` blindly: it is 0 by right where both sides were held in
-- full (netted), and 0 by mistake where a net winner was held (missing). Due is what the fills say
-- where they are complete; otherwise what the settlement's own counts say, by Kalshi's formula:
-- payout * net YES, or (1 - payout) * net NO, cut to cents.
INSERT INTO settlement BY NAME
WITH filled AS (
    SELECT
        venue,
        account,
        mode,
        instrument_id,
        coalesce(sum(quantity) FILTER (side = 'buy'), 0)::DECIMAL(18, 8) AS yes_filled,
        coalesce(sum(quantity) FILTER (side = 'sell'), 0)::DECIMAL(18, 8) AS no_filled
    FROM fill
    WHERE venue = 'kalshi'
    GROUP BY ALL
),

due AS (
    SELECT position, sum(paid)::DECIMAL(38, 20) AS revenue_computed
    FROM payment
    GROUP BY position
),

compared AS (
    SELECT
        s.*,
        f.yes_filled,
        f.no_filled,
        CASE WHEN f.yes_filled IS NOT NULL THEN coalesce(d.revenue_computed, 0) END
            AS revenue_computed,
        CASE
            WHEN f.yes_filled IS NULL THEN 'none'
            WHEN (f.yes_filled, f.no_filled) = (s.yes_quantity, s.no_quantity) THEN 'complete'
            ELSE 'incomplete'
        END AS fills_state
    FROM merged_settlement AS s
    LEFT JOIN filled AS f USING (venue, account, mode, instrument_id)
    LEFT JOIN due AS d USING (position)
),

expected AS (
    SELECT
        *,
        CASE
            WHEN fills_state = 'complete' THEN revenue_computed
            ELSE (
                (
                    units_of(greatest(yes_quantity - no_quantity, 0))::HUGEINT
                    * billionths_of(payout)
                    + units_of(greatest(no_quantity - yes_quantity, 0))::HUGEINT
                    * (1000000000 - billionths_of(payout))
                ) // 1000000000000000
            )::DECIMAL(30, 0) * 0.01
        END AS revenue_expected
    FROM compared
)

SELECT
    * EXCLUDE (revenue_expected),
    CASE
        WHEN revenue_expected IS NULL THEN 'unchecked'
        WHEN revenue_expected = revenue_reported AND yes_quantity > 0
            AND yes_quantity = no_quantity
            THEN 'netted'
        WHEN revenue_expected = revenue_reported THEN 'agrees'
        WHEN revenue_reported = 0 THEN 'missing'
        ELSE 'differs'
    END AS revenue_state
FROM expected;
