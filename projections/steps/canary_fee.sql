-- fill, instrument, merged_series, merged_market -> canary: fills without a fee that should have
-- one.
-- By Kalshi's formula a taker pays 0.07 * contracts * P * (1 - P) * multiplier; a maker nothing, a
-- quarter (quadratic_with_maker_fees) or half of it (quadratic_with_combo_maker_fees). Real fees
-- are at times a trifle below the formula, so it only decides whether a fee is due at all: from a
-- cent on. Unknown fee types say nothing. What a series charged before it was fetched is not known:
-- only fills from two days before on are looked at. A promotion concerns many fills: one canary a
-- series and day.
-- Working unit: 1e-17 of the currency (1e-8 contracts times 1e-9), then 1e-8.
INSERT INTO canary BY NAME
WITH charged AS (
    SELECT
        f.venue,
        f.account,
        f.mode,
        f.position,
        i.series || ' ' || (f.executed_at AT TIME ZONE 'UTC')::DATE AS subject,
        s.fee_type,
        units_of(f.quantity)::HUGEINT
        * (
            billionths_of(f.price)::HUGEINT * (1000000000 - billionths_of(f.price)) // 1000000000
        )
        * billionths_of(s.fee_multiplier) // 1000000000
        * 7
        * CASE
            WHEN f.liquidity = 'taker' THEN 4
            WHEN s.fee_type = 'quadratic_with_maker_fees' THEN 1
            WHEN s.fee_type = 'quadratic_with_combo_maker_fees' THEN 2
            ELSE 0
        END // 400 AS due
    FROM fill AS f
    INNER JOIN instrument AS i USING (venue, instrument_id)
    INNER JOIN merged_series AS s
        ON s.venue = f.venue
        AND s.account = f.account
        AND s.mode = f.mode
        AND s.series_id = i.series
    LEFT JOIN merged_market AS m
        ON m.venue = f.venue
        AND m.account = f.account
        AND m.mode = f.mode
        AND m.instrument_id = f.instrument_id
    WHERE f.fee = 0
        AND f.fee_state = 'stated'
        AND f.liquidity IS NOT NULL
        AND s.fee_type IN (
            'quadratic', 'quadratic_with_maker_fees', 'quadratic_with_combo_maker_fees'
        )
        AND f.executed_at >= s.received_at - INTERVAL 2 DAYS
        AND (m.fee_waived_until IS NULL OR m.fee_waived_until <= f.executed_at)
)

SELECT
    venue,
    account,
    mode,
    'fee_zero' AS rule,
    subject,
    0 AS found,
    ((sum(due) // 1000000000)::DECIMAL(30, 0) * 0.00000001)::DECIMAL(38, 20) AS expected,
    count(*) || ' fills without a fee in a series that charges ' || min(fee_type) AS detail,
    min(position) AS position
FROM charged
WHERE due >= 1000000000000000
GROUP BY venue, account, mode, subject;
