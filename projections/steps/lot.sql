-- segment, interval, movement, payment -> lot (temporary): every stretch, priced.
-- gross = direction * quantity * (close - open) * multiplier + rounding
-- A void market gives the cost back: it closes at the opening price. What the exchange cuts off a
-- payout (rounding) is charged to the last lot of the settlement.
-- Fees are the shares of the two fills; one unknown share makes the lot pending, not cheaper.
CREATE TEMP TABLE lot AS
WITH paired AS (
    SELECT
        s.holding_id,
        s.open_sequence,
        s.close_sequence,
        oi.trade_sequence,
        s.units,
        CASE WHEN o.units > 0 THEN 1 ELSE -1 END AS sign,
        o.price AS open_price,
        CASE WHEN c.result = 'void' THEN o.price ELSE c.price END AS close_price,
        o.multiplier,
        o.moment AS opened_at,
        c.moment AS closed_at,
        CASE WHEN c.rank = 1 AND s.axis_to = ci.closed_to THEN s.close_sequence END AS last_of,
        fee_share(
            o.fee_billionths,
            s.axis_to - s.units - oi.opened_from + (oi.closed_to - oi.closed_from),
            s.axis_to - oi.opened_from + (oi.closed_to - oi.closed_from),
            oi.size
        ) AS open_fee,
        fee_share(
            c.fee_billionths,
            s.axis_to - s.units - ci.closed_from,
            s.axis_to - ci.closed_from,
            ci.size
        ) AS close_fee
    FROM segment AS s
    INNER JOIN interval AS oi ON oi.sequence = s.open_sequence
    INNER JOIN movement AS o ON o.sequence = s.open_sequence
    LEFT JOIN interval AS ci ON ci.sequence = s.close_sequence
    LEFT JOIN movement AS c ON c.sequence = s.close_sequence
)

SELECT
    l.* EXCLUDE (last_of, units),
    contracts(l.units) AS quantity,
    coalesce(p.rounding, 0)::DECIMAL(38, 20) AS rounding,
    (
        contracts(l.units)::DECIMAL(38, 8) * l.sign * (l.close_price - l.open_price)
        * l.multiplier
    )::DECIMAL(38, 20) + coalesce(p.rounding, 0) AS realized_gross
FROM paired AS l
LEFT JOIN payment AS p ON p.sequence = l.last_of;
