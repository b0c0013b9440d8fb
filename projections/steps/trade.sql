-- lot, movement, holding, strategy_exit -> trade: one row for each round trip from flat to flat.
-- realized_* cover the closed part; fees of the open part stay with the open lots. A lot that a
-- corporate action paid for and that lives on is counted once, where it ends, and what came of a
-- merger belongs to the round trip that went into it.
INSERT INTO trade BY NAME
WITH trip AS (
    SELECT
        trade_sequence,
        min(sign) AS sign,
        (sum(quantity) FILTER (NOT lives_on))::DECIMAL(18, 8) AS quantity,
        CASE WHEN count(closed_at) = count(*) THEN max(closed_at) END AS closed_at,
        count(*) FILTER (closed_at IS NOT NULL AND basis_state = 'missing') AS missing,
        coalesce(sum(realized_gross), 0)::DECIMAL(38, 20) AS realized_gross,
        count(*) FILTER (closed_at IS NOT NULL AND open_fee + close_fee IS NULL) AS pending,
        coalesce(sum(open_fee + close_fee) FILTER (closed_at IS NOT NULL), 0) AS fees
    FROM lot
    GROUP BY trade_sequence
)

SELECT
    t.id AS trade_id,
    h.venue,
    h.account,
    h.mode,
    h.subaccount,
    h.instrument_id,
    coalesce(e.parent, t.strategy) AS strategy,
    CASE r.sign WHEN 1 THEN 'long' ELSE 'short' END AS direction,
    r.quantity,
    t.moment AS opened_at,
    r.closed_at,
    h.cancelled <> '' AS cancelled,
    CASE WHEN r.missing > 0 THEN 'missing' ELSE 'known' END AS basis_state,
    CASE WHEN r.missing = 0 THEN r.realized_gross END AS realized_gross,
    CASE WHEN r.pending > 0 THEN 'pending' ELSE 'complete' END AS fee_state,
    CASE WHEN r.pending = 0 THEN r.fees END AS fees,
    CASE WHEN r.pending = 0 AND r.missing = 0 THEN r.realized_gross - r.fees END AS realized_net,
    t.currency
FROM trip AS r
INNER JOIN movement AS t ON t.sequence = r.trade_sequence
INNER JOIN holding AS h ON h.holding_id = t.holding_id
LEFT JOIN strategy_exit AS e ON e.strategy = t.strategy AND e.rolls_up;
