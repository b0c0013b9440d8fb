-- fill, set_aside -> combination_leg (temporary): the legs of an order for a combination of
-- Interactive Brokers, each with the combination. A bot posts the whole, on a side of its own; the
-- fills that count are those of the legs.
CREATE TEMP TABLE combination_leg AS
SELECT
    f.position,
    f.venue,
    f.account,
    f.mode,
    f.order_id,
    f.client_order_id,
    w.instrument_id AS whole_instrument_id
FROM fill AS f
INNER JOIN (
    SELECT DISTINCT venue, account, mode, order_id, instrument_id
    FROM set_aside
    WHERE reason = 'combination'
) AS w
    ON w.venue = f.venue AND w.account = f.account AND w.mode = f.mode
    AND w.order_id = f.order_id;
