-- movement, segment -> payment (temporary): what the exchange pays for each settled
-- holding.
-- yes/no/scalar: net contracts times payout (measured on 278 settlements); void: the cost of what
-- is held, returned (documented until June 2026; no real row was seen). Cut to whole cents.
-- rounding is what the cut takes away: never positive, less than a cent.
-- Working unit: 1e-17 of the currency (1e-8 contracts times 1e-9 of the currency).
CREATE TEMP TABLE payment AS
WITH settled AS (
    SELECT
        sequence,
        holding_id,
        position,
        id,
        moment,
        currency,
        result,
        -- a long position is closed by negative units and paid the payout, a short one the rest
        abs(units)::HUGEINT * CASE
            WHEN units < 0 THEN billionths_of(price)
            ELSE 1000000000 - billionths_of(price)
        END AS due
    FROM movement
    WHERE rank = 1
),

returned AS (
    SELECT
        s.close_sequence AS sequence,
        sum(
            s.units::HUGEINT * CASE
                WHEN o.units > 0 THEN billionths_of(o.price)
                ELSE 1000000000 - billionths_of(o.price)
            END
        )::HUGEINT AS due
    FROM segment AS s
    INNER JOIN settled AS t ON t.sequence = s.close_sequence AND t.result = 'void'
    INNER JOIN movement AS o ON o.sequence = s.open_sequence
    GROUP BY s.close_sequence
),

due AS (
    SELECT
        t.* EXCLUDE (due),
        CASE WHEN t.result = 'void' THEN coalesce(r.due, 0) ELSE t.due END AS due
    FROM settled AS t
    LEFT JOIN returned AS r USING (sequence)
)

SELECT
    t.sequence,
    t.holding_id,
    t.position,
    t.id,
    t.moment,
    t.currency,
    ((t.due // 1000000000000000)::DECIMAL(30, 0) * 0.01)::DECIMAL(38, 20) AS paid,
    (-(t.due % 1000000000000000)::DECIMAL(18, 0) * 0.00000000000000001)::DECIMAL(38, 20)
        AS rounding
FROM due AS t;
