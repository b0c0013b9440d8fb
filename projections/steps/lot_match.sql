-- lot, movement, holding -> lot_match: realized P&L, lot by lot.
INSERT INTO lot_match BY NAME
SELECT
    h.venue,
    h.account,
    h.mode,
    h.subaccount,
    h.instrument_id,
    l.open_id AS open_fill_id,
    l.close_id,
    CASE l.close_rank WHEN 0 THEN 'fill' ELSE 'settlement' END AS close_kind,
    t.id AS trade_id,
    l.strategy,
    CASE l.sign WHEN 1 THEN 'long' ELSE 'short' END AS direction,
    l.quantity,
    l.open_price,
    l.close_price,
    l.multiplier,
    l.rounding,
    l.realized_gross,
    CASE WHEN l.open_fee + l.close_fee IS NULL THEN 'pending' ELSE 'complete' END AS fee_state,
    l.open_fee + l.close_fee AS fees,
    l.realized_gross - (l.open_fee + l.close_fee) AS realized_net,
    l.currency,
    l.opened_at,
    l.closed_at,
    l.open_position,
    l.close_position
FROM lot AS l
INNER JOIN holding AS h USING (holding_id)
INNER JOIN movement AS t ON t.sequence = l.trade_sequence
WHERE l.close_id IS NOT NULL;
