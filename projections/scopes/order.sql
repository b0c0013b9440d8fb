-- wholly, old_fill, told_order, stored_*, fresh_fill -> touched_order (temporary): the orders of
-- what is made anew and of `told_order`, with every id that they go by.
CREATE OR REPLACE TEMP TABLE touched_order AS
SELECT venue, order_id, client_order_id FROM told_order
UNION
SELECT venue, order_id, client_order_id
FROM stored_fill
WHERE row IN (SELECT row FROM old_fill) AND order_id IS NOT NULL
UNION
SELECT venue, order_id, client_order_id
FROM fresh_fill
SEMI JOIN touched USING (venue, instrument_id)
WHERE order_id IS NOT NULL
UNION
SELECT venue, order_id, client_order_id
FROM (
    SELECT venue, instrument_id, order_id, NULL AS client_order_id FROM stored_set_aside
    UNION ALL
    SELECT venue, instrument_id, order_id, client_order_id FROM stored_order_state
)
SEMI JOIN wholly USING (venue, instrument_id)
WHERE order_id IS NOT NULL;
