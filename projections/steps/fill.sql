-- merged_fill, merged_settlement -> fill: every fill of Kalshi with its fee, as far as anybody
-- stated it.
-- Rules:
--   1. a fee that the fill states is taken as it is;
--   2. otherwise what the settlement states, less the stated fees of the market's other fills, is
--      spread by quantity over the contracts that the settlement counts and whose fees are not
--      stated; shares are cut at a billionth and add up exactly;
--   3. otherwise it is pending: unknown, not 0.
-- Invariant: in a market whose fills are complete, fees add up to the settlement's fee.
INSERT INTO fill BY NAME
WITH stated AS (
    SELECT
        venue,
        account,
        mode,
        instrument_id,
        sum(fee) AS fee,
        sum(quantity) AS quantity
    FROM merged_fill
    WHERE fee IS NOT NULL AND venue = 'kalshi'
    GROUP BY ALL
),

-- what is left to spread, in billionths and in units of 1e-8 contracts
rest AS (
    SELECT
        s.venue,
        s.account,
        s.mode,
        s.instrument_id,
        billionths_of(s.fee_reported - coalesce(t.fee, 0))::HUGEINT AS fee_billionths,
        units_of(s.yes_quantity + s.no_quantity - coalesce(t.quantity, 0))::HUGEINT AS units
    FROM merged_settlement AS s
    LEFT JOIN stated AS t USING (venue, account, mode, instrument_id)
    WHERE s.fee_reported IS NOT NULL
),

reached AS (
    SELECT
        f.position,
        r.fee_billionths,
        r.units AS units_all,
        units_of(f.quantity)::HUGEINT AS units,
        sum(units_of(f.quantity)::HUGEINT) OVER (
            PARTITION BY f.venue, f.account, f.mode, f.instrument_id
            ORDER BY f.executed_at, f.fill_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )::HUGEINT AS units_to,
        sum(units_of(f.quantity)::HUGEINT) OVER (
            PARTITION BY f.venue, f.account, f.mode, f.instrument_id
        )::HUGEINT AS units_silent
    FROM merged_fill AS f
    INNER JOIN rest AS r USING (venue, account, mode, instrument_id)
    WHERE f.fee IS NULL AND f.venue = 'kalshi'
),

share AS (
    SELECT
        position,
        (
            (fee_billionths * units_to // units_all)
            - (fee_billionths * (units_to - units) // units_all)
        )::DECIMAL(27, 0) * 0.000000001::DECIMAL(10, 9) AS fee
    FROM reached
    WHERE fee_billionths >= 0 AND units_silent <= units_all
)

SELECT
    f.* REPLACE (
        -- subaccounts came in February 2026; where none is named it is the primary one
        coalesce(f.subaccount, 0) AS subaccount,
        coalesce(f.fee, h.fee::DECIMAL(18, 9)) AS fee
    ),
    f.subaccount IS NOT NULL AS subaccount_named,
    CASE
        WHEN f.fee IS NOT NULL THEN 'stated'
        WHEN h.fee IS NULL THEN 'pending'
        ELSE 'from_settlement'
    END AS fee_state
FROM merged_fill AS f
LEFT JOIN share AS h USING (position)
WHERE f.venue = 'kalshi';
