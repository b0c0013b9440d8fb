-- lot, movement, holding -> trade: one row for each round trip from flat to flat.
-- realized_* cover the closed part; fees of the open part stay with the open lots.
INSERT INTO trade BY NAME
WITH trip AS (
    SELECT
        holding_id,
        trade_sequence,
        min(sign) AS sign,
        sum(quantity)::DECIMAL(18, 8) AS quantity,
        CASE WHEN count(closed_at) = count(*) THEN max(closed_at) END AS closed_at,
        coalesce(sum(realized_gross), 0)::DECIMAL(38, 20) AS realized_gross,
        count(*) FILTER (closed_at IS NOT NULL AND open_fee + close_fee IS NULL) AS pending,
        coalesce(sum(open_fee + close_fee) FILTER (closed_at IS NOT NULL), 0) AS fees
    FROM lot
    GROUP BY holding_id, trade_sequence
)

SELECT
    t.id AS trade_id,
    h.venue,
    h.account,
    h.mode,
    h.subaccount,
    h.instrument_id,
    t.strategy,
    CASE r.sign WHEN 1 THEN 'long' ELSE 'short' END AS direction,
    r.quantity,
    t.moment AS opened_at,
    r.closed_at,
    r.realized_gross,
    CASE WHEN r.pending > 0 THEN 'pending' ELSE 'complete' END AS fee_state,
    CASE WHEN r.pending = 0 THEN r.fees END AS fees,
    CASE WHEN r.pending = 0 THEN r.realized_gross - r.fees END AS realized_net,
    t.currency
FROM trip AS r
INNER JOIN holding AS h USING (holding_id)
INNER JOIN movement AS t ON t.sequence = r.trade_sequence;
