-- touched, touched_order, stored_* -> the instruments of decisions and posted orders that name the
-- orders of touched ones, and those of the orders that decisions about touched ones name.
WITH told AS (
    SELECT venue, instrument_id, order_id, client_order_id FROM stored_decision
    WHERE outcome = 'posted'
    UNION ALL
    SELECT venue, instrument_id, order_id, client_order_id FROM stored_posted_order
),

asked AS (
    SELECT * FROM told SEMI JOIN touched USING (venue, instrument_id)
)

SELECT t.venue, t.instrument_id
FROM told AS t
SEMI JOIN touched_order AS o ON o.venue = t.venue AND o.order_id = t.order_id
UNION
SELECT t.venue, t.instrument_id
FROM told AS t
SEMI JOIN touched_order AS o ON o.venue = t.venue AND o.client_order_id = t.client_order_id
UNION
SELECT l.venue, l.instrument_id
FROM stored_order_life AS l
SEMI JOIN asked AS t ON t.venue = l.venue AND t.order_id = l.order_id
UNION
SELECT l.venue, l.instrument_id
FROM stored_order_life AS l
SEMI JOIN asked AS t ON t.venue = l.venue AND t.client_order_id = l.client_order_id
