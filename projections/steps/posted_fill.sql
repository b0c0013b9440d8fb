-- fill, merged_order_state, merged_posted_order -> posted_fill (temporary): the fills of orders
-- that the bot recorded when it posted them.
-- The posted order is found by the broker's id of the order, else by the bot's own, and counts only
-- if its instrument, and its side where it was told, are the fill's. Where a bot uses one id again
-- and again the newest counts, and no single decision is behind it.
CREATE TEMP TABLE posted_fill AS
WITH by_order AS (
    SELECT
        f.position,
        p.position AS posted_position,
        p.client_order_id,
        real_strategy(p.strategy) AS strategy,
        p.decision_id
    FROM fill AS f
    INNER JOIN merged_posted_order AS p
        ON p.venue = f.venue AND p.account = f.account AND p.mode = f.mode
        AND p.order_id = f.order_id AND p.instrument_id = f.instrument_id
    WHERE p.side IS NULL OR p.side = f.side
),

sided AS (
    SELECT
        *,
        unnest(CASE WHEN side IS NULL THEN ['buy', 'sell'] ELSE [side] END) AS fill_side
    FROM merged_posted_order
    WHERE client_order_id IS NOT NULL
),

named AS (
    SELECT
        venue,
        account,
        mode,
        client_order_id,
        instrument_id,
        fill_side,
        arg_max(position, (posted_at, posted_id)) AS posted_position,
        arg_max_null(real_strategy(strategy), (posted_at, posted_id)) AS strategy,
        CASE WHEN count(DISTINCT decision_id) = 1 THEN min(decision_id) END AS decision_id
    FROM sided
    GROUP BY ALL
),

by_client AS (
    SELECT f.position, n.posted_position, n.client_order_id, n.strategy, n.decision_id
    FROM fill AS f
    INNER JOIN named AS n
        ON n.venue = f.venue AND n.account = f.account AND n.mode = f.mode
        AND n.client_order_id = f.client_order_id AND n.instrument_id = f.instrument_id
        AND n.fill_side = f.side
    UNION ALL
    SELECT f.position, n.posted_position, n.client_order_id, n.strategy, n.decision_id
    FROM named AS n
    INNER JOIN merged_order_state AS o
        ON o.venue = n.venue AND o.account = n.account AND o.mode = n.mode
        AND o.client_order_id = n.client_order_id
    INNER JOIN fill AS f
        ON f.venue = o.venue AND f.account = o.account AND f.mode = o.mode
        AND f.order_id = o.order_id AND f.instrument_id = n.instrument_id
        AND f.side = n.fill_side
    WHERE f.client_order_id IS NULL
)

SELECT * FROM by_order
UNION ALL
SELECT c.* FROM by_client AS c
ANTI JOIN by_order AS o ON o.position = c.position;
