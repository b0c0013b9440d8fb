-- lot, movement, holding -> trade_sum (temporary): what the lots of each round trip come to, but
-- for those that are only an execution that the broker took back.
-- worth is what the lots are worth at opening, without signs; lots that a corporate action paid for
-- and that live on are counted once.
CREATE TEMP TABLE trade_sum AS
WITH summed AS (
    SELECT
        trade_sequence,
        min(sign) AS sign,
        (sum(quantity) FILTER (NOT lives_on))::DECIMAL(38, 8) AS quantity,
        (sum(abs(open_worth)) FILTER (NOT lives_on))::DECIMAL(38, 20) AS worth,
        count(*) FILTER (closed_at IS NOT NULL AND basis_state = 'missing') AS missing,
        max(close_sequence) AS close_sequence,
        min(opened_at) AS opened_at,
        max(opened_at) AS last_opened_at,
        max(closed_at) AS last_closed_at,
        CASE WHEN count(closed_at) = count(*) THEN max(closed_at) END AS closed_at
    FROM lot
    GROUP BY trade_sequence
)

SELECT
    s.* EXCLUDE (worth),
    CASE
        WHEN s.missing > 0 THEN NULL
        -- a short YES is a NO at 1 - price
        WHEN h.venue = 'kalshi' AND s.sign = -1 THEN s.quantity - s.worth
        ELSE s.worth
    END::DECIMAL(38, 20) AS cost,
    h.venue,
    h.account,
    h.mode,
    h.holding_id,
    h.instrument_id,
    t.id AS trade_id
FROM summed AS s
INNER JOIN movement AS t ON t.sequence = s.trade_sequence
INNER JOIN holding AS h ON h.holding_id = t.holding_id
WHERE h.cancelled = '';
