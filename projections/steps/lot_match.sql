-- lot, movement, holding, strategy_exit -> lot_match: realized P&L, lot by lot.
-- Whose it is follows the opening fill; what an exit opened counts for its parent, if the rules say
-- so.
INSERT INTO lot_match BY NAME
SELECT
    h.venue,
    h.account,
    h.mode,
    h.subaccount,
    h.instrument_id,
    o.id AS open_fill_id,
    c.id AS close_id,
    c.kind AS close_kind,
    t.id AS trade_id,
    coalesce(e.parent, o.strategy) AS strategy,
    o.strategy AS open_strategy,
    -- of all that closes, only fills and what is booked like them have one
    CASE WHEN c.rank = 0 AND c.kind <> 'transfer' THEN c.strategy END AS close_strategy,
    CASE l.sign WHEN 1 THEN 'long' ELSE 'short' END AS direction,
    l.quantity,
    l.open_price,
    l.close_price,
    l.multiplier,
    l.rounding,
    l.premium,
    l.basis_state,
    l.realized_gross,
    CASE WHEN l.open_fee + l.close_fee IS NULL THEN 'pending' ELSE 'complete' END AS fee_state,
    l.open_fee + l.close_fee AS fees,
    l.realized_gross - (l.open_fee + l.close_fee) AS realized_net,
    o.currency,
    l.opened_at,
    l.closed_at,
    o.position AS open_position,
    c.position AS close_position
FROM lot AS l
INNER JOIN holding AS h USING (holding_id)
INNER JOIN movement AS o ON o.sequence = l.open_sequence
INNER JOIN movement AS c ON c.sequence = l.close_sequence
INNER JOIN movement AS t ON t.sequence = l.trade_sequence
LEFT JOIN strategy_exit AS e ON e.strategy = o.strategy AND e.rolls_up;
