-- lot, movement, holding, strategy_exit -> open_lot: what nothing has closed yet.
-- A fill is open in one stretch, its last one, whatever was closed of it before.
-- cost is the cash paid: the price of the side held, less the premium of the option that it came
-- of.
-- On Kalshi a short YES is a NO at 1 - price.
INSERT INTO open_lot BY NAME
SELECT
    h.venue,
    h.account,
    h.mode,
    h.subaccount,
    h.instrument_id,
    o.id AS open_fill_id,
    t.id AS trade_id,
    coalesce(e.parent, o.strategy) AS strategy,
    CASE l.sign WHEN 1 THEN 'long' ELSE 'short' END AS direction,
    l.quantity,
    l.open_price,
    l.multiplier,
    l.basis_state,
    CASE
        WHEN l.basis_state = 'missing' THEN NULL
        WHEN h.venue = 'kalshi' AND l.sign = -1
            THEN (l.quantity::DECIMAL(38, 8) * (1 - l.open_price) * l.multiplier)::DECIMAL(38, 20)
        ELSE l.sign * l.open_worth - l.premium
    END::DECIMAL(38, 20) AS cost,
    CASE WHEN l.open_fee IS NULL THEN 'pending' ELSE 'complete' END AS fee_state,
    l.open_fee AS fees,
    o.currency,
    l.opened_at,
    o.position AS open_position
FROM lot AS l
INNER JOIN holding AS h USING (holding_id)
INNER JOIN movement AS o ON o.sequence = l.open_sequence
INNER JOIN movement AS t ON t.sequence = l.trade_sequence
LEFT JOIN strategy_exit AS e ON e.strategy = o.strategy AND e.rolls_up
WHERE l.close_sequence IS NULL;
