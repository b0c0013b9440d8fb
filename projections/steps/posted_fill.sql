-- fill, combination_leg, merged_order_state, merged_posted_order -> posted_fill (temporary): the
-- fills of orders that the bot recorded when it posted them.
-- The posted order is found by the broker's id of the order. Where neither, or only one of the two,
-- tells that id, it is found by the bot's own; one that tells another order's id is not. It counts
-- only if its instrument, and its side where it was told, are the fill's; for a leg they are those
-- of the combination, whose side says nothing.
-- Where a bot uses one id again and again the newest counts, and no single decision is behind it;
-- where several strategies do, it names none.
CREATE TEMP TABLE posted_fill AS
WITH placed AS NOT MATERIALIZED (
    SELECT
        position, venue, account, mode, order_id, client_order_id, instrument_id,
        side::VARCHAR AS side
    FROM fill
    UNION ALL
    SELECT
        position, venue, account, mode, order_id, client_order_id, whole_instrument_id, 'either'
    FROM combination_leg
),

sided AS (
    SELECT
        *,
        real_strategy(strategy) AS named,
        unnest(CASE WHEN side IS NULL THEN ['buy', 'sell', 'either'] ELSE [side, 'either'] END)
            AS fill_side
    FROM merged_posted_order
),

by_order AS (
    SELECT
        f.position, p.position AS posted_position, p.client_order_id, p.named AS strategy,
        p.decision_id
    FROM placed AS f
    INNER JOIN sided AS p
        ON p.venue = f.venue AND p.account = f.account AND p.mode = f.mode
        AND p.order_id = f.order_id AND p.instrument_id = f.instrument_id
        AND p.fill_side = f.side
),

-- `open`: the newest of those that tell no order of the broker's
by_id AS (
    SELECT
        venue,
        account,
        mode,
        client_order_id,
        instrument_id,
        fill_side,
        arg_max(position, (posted_at, posted_id)) AS newest_position,
        arg_max(position, (posted_at, posted_id)) FILTER (order_id IS NULL) AS open_position,
        CASE WHEN count(DISTINCT coalesce(named, '')) = 1 THEN min(named) END AS strategy,
        CASE WHEN count(DISTINCT decision_id) = 1 THEN min(decision_id) END AS decision_id
    FROM sided
    WHERE client_order_id IS NOT NULL
    GROUP BY ALL
),

by_client AS (
    SELECT
        f.position,
        CASE WHEN f.order_id IS NULL THEN n.newest_position ELSE n.open_position END
            AS posted_position,
        n.client_order_id,
        n.strategy,
        n.decision_id
    FROM placed AS f
    INNER JOIN by_id AS n
        ON n.venue = f.venue AND n.account = f.account AND n.mode = f.mode
        AND n.client_order_id = f.client_order_id AND n.instrument_id = f.instrument_id
        AND n.fill_side = f.side
    UNION ALL
    SELECT f.position, n.open_position, n.client_order_id, n.strategy, n.decision_id
    FROM by_id AS n
    INNER JOIN merged_order_state AS o
        ON o.venue = n.venue AND o.account = n.account AND o.mode = n.mode
        AND o.client_order_id = n.client_order_id
    INNER JOIN placed AS f
        ON f.venue = o.venue AND f.account = o.account AND f.mode = o.mode
        AND f.order_id = o.order_id AND f.instrument_id = n.instrument_id
        AND f.side = n.fill_side
    WHERE f.client_order_id IS NULL
)

SELECT * FROM by_order
UNION ALL
SELECT c.* FROM by_client AS c
ANTI JOIN by_order AS o ON o.position = c.position
WHERE c.posted_position IS NOT NULL;
