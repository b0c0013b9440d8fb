-- fill, attribution, holding, merged_settlement -> movement (temporary): everything that changes
-- a holding, in ledger order: (time, fills before the settlement, id).
-- A settlement closes what the fills up to its time have left, so its quantity is minus their sum.
-- Units are 1e-8 contracts, signed; fees are billionths of the currency.
CREATE TEMP TABLE movement AS
WITH fills AS (
    SELECT
        h.holding_id,
        0 AS rank,
        f.fill_id AS id,
        f.position,
        f.executed_at AS moment,
        units_of(f.quantity) * CASE f.side WHEN 'buy' THEN 1 ELSE -1 END AS units,
        f.price,
        f.multiplier,
        f.currency,
        billionths_of(f.fee) AS fee_billionths,
        a.strategy,
        NULL AS result
    FROM fill AS f
    INNER JOIN holding AS h USING (venue, account, mode, subaccount, instrument_id)
    INNER JOIN attribution AS a USING (position)
),

left_over AS (
    SELECT s.position, f.holding_id, -sum(f.units)::BIGINT AS units
    FROM merged_settlement AS s
    INNER JOIN holding AS h USING (venue, account, mode, instrument_id)
    INNER JOIN fills AS f ON f.holding_id = h.holding_id AND f.moment <= s.settled_at
    GROUP BY s.position, f.holding_id
),

settlements AS (
    SELECT
        l.holding_id,
        1 AS rank,
        s.instrument_id AS id,
        s.position,
        s.settled_at AS moment,
        l.units,
        s.payout AS price,
        1 AS multiplier,
        s.currency,
        0 AS fee_billionths,
        NULL AS strategy,
        s.result
    FROM left_over AS l
    INNER JOIN merged_settlement AS s USING (position)
)

SELECT
    row_number() OVER (ORDER BY moment, rank, id, holding_id) AS sequence,
    *
FROM (
    SELECT * FROM fills
    UNION ALL
    SELECT * FROM settlements
);
