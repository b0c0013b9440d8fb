-- fresh_fill, gone_fill, told_order, told_commission, stored_fill -> how far back fresh facts
-- reach: the fills that they are or were, those whose commission they tell, and those of the orders
-- that they tell of.
SELECT venue, instrument_id, executed_at FROM fresh_fill
UNION ALL
SELECT venue, instrument_id, executed_at FROM gone_fill
UNION ALL
SELECT f.venue, f.instrument_id, f.executed_at
FROM stored_fill AS f
SEMI JOIN told_commission AS c ON c.venue = f.venue AND c.fill_id = f.fill_id
UNION ALL
SELECT f.venue, f.instrument_id, f.executed_at
FROM stored_fill AS f
SEMI JOIN told_order AS o ON o.venue = f.venue AND o.order_id = f.order_id
