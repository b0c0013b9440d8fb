-- touched_order, fresh_fill, stored_fill, stored_set_aside, stored_order_state -> ordered
-- (temporary): the instruments of the executions and states of those orders, and when they were.
CREATE OR REPLACE TEMP TABLE ordered AS
SELECT f.venue, f.order_id, f.instrument_id, f.executed_at
FROM (
    SELECT venue, order_id, instrument_id, executed_at FROM stored_fill
    UNION ALL
    SELECT venue, order_id, instrument_id, executed_at FROM fresh_fill
    UNION ALL
    SELECT venue, order_id, instrument_id, executed_at FROM stored_set_aside
    UNION ALL
    SELECT venue, order_id, instrument_id, NULL FROM stored_order_state
) AS f
SEMI JOIN touched_order AS o ON o.venue = f.venue AND o.order_id = f.order_id
WHERE f.instrument_id IS NOT NULL;
