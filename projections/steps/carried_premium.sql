-- fill, holding, movement, stretch -> carried_premium: what exercised and assigned options hand
-- over.
-- IBKR books the end of such an option at 0 and the underlying at the strike, without naming the
-- one on the other's row. They are of the same account, moment and sort; the underlying, the
-- strike, the quantity and the side agree (ending a long call or a short put buys); the first goes
-- with the first. Premium and fees of the option move into the row of the underlying, and the
-- option's own result is 0 (measured on the statements).
INSERT INTO carried_premium BY NAME
WITH ended AS (
    SELECT *, row_number() OVER (
        PARTITION BY
            venue, account, mode, booking, executed_at, underlying, strike, abs_quantity, into_side
        ORDER BY sequence NULLS LAST, fill_id
    ) AS turn
    FROM (
        SELECT
            *,
            coalesce(underlying_symbol, underlying_id) AS underlying,
            (quantity::DECIMAL(38, 8) * multiplier)::DECIMAL(38, 11) AS abs_quantity,
            CASE
                WHEN (option_right = 'call') = (side = 'sell') THEN 'buy'
                WHEN option_right IS NOT NULL THEN 'sell'
            END AS into_side
        FROM fill
        WHERE booking IN ('exercise', 'assignment') AND asset_class IN ('OPT', 'FOP')
    )
),

taken_over AS (
    SELECT *, row_number() OVER (
        PARTITION BY
            venue, account, mode, booking, executed_at, instrument_id, price, quantity, side
        ORDER BY sequence NULLS LAST, fill_id
    ) AS turn
    FROM fill
    WHERE booking IN ('exercise', 'assignment') AND asset_class NOT IN ('OPT', 'FOP', 'CASH', 'BAG')
),

pairs AS (
    SELECT e.*, t.fill_id AS into_fill_id, t.instrument_id AS into_instrument_id
    FROM ended AS e
    INNER JOIN taken_over AS t
        ON (t.venue, t.account, t.mode, t.booking, t.executed_at, t.price, t.turn)
            = (e.venue, e.account, e.mode, e.booking, e.executed_at, e.strike, e.turn)
        AND t.currency = e.currency
        AND t.side = coalesce(e.into_side, t.side)
        AND (t.instrument_id = e.underlying_id
            OR (e.underlying_id IS NULL AND t.symbol = e.underlying_symbol))
        -- an option on shares is of multiplier shares, one on a future of one future
        AND (t.quantity = e.abs_quantity OR (e.asset_class = 'FOP' AND t.quantity = e.quantity))
),

worths AS (
    SELECT
        h.venue,
        h.account,
        h.mode,
        c.id AS fill_id,
        sum(CASE WHEN o.units > 0 THEN -1 ELSE 1 END
            * worth(s.open_to - s.open_from, o.price, o.multiplier)) AS premium,
        count(*) FILTER (o.price IS NULL) AS unknown,
        sum(
            fee_share(o.fee_billionths, s.open_from, s.open_to, abs(o.units))
            + fee_share(c.fee_billionths, s.close_from, s.close_to, abs(c.units))
        ) AS fees,
        count(*) FILTER (o.fee_billionths IS NULL OR c.fee_billionths IS NULL) AS pending
    FROM stretch AS s
    INNER JOIN movement AS o ON o.sequence = s.open_sequence
    INNER JOIN movement AS c ON c.sequence = s.close_sequence
    INNER JOIN holding AS h ON h.holding_id = s.holding_id
    WHERE c.kind IN ('exercise', 'assignment') AND c.price = 0
    GROUP BY ALL
)

SELECT
    p.venue,
    p.account,
    p.mode,
    p.fill_id,
    p.instrument_id,
    p.into_fill_id,
    p.into_instrument_id,
    CASE WHEN w.unknown = 0 THEN w.premium END AS premium,
    CASE WHEN w.pending = 0 THEN w.fees END AS fees,
    p.currency,
    p.position
FROM pairs AS p
INNER JOIN worths AS w USING (venue, account, mode, fill_id);
