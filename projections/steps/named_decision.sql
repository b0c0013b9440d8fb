-- fill, combination_leg, merged_order_state, posted_fill, merged_decision -> named_decision
-- (temporary): the fills of which a decision is told by the ids of their order, and how (strength).
-- 1: a posted decision tells the broker's id of the order; 2: it tells the bot's own, and no other
-- order of the broker's; 3: the posted order tells the decision, and there is one. Instrument and
-- side have to fit; for a leg they are those of the combination, whose side says nothing.
-- Of the first two only a single one is told: where a bot uses one id again and again, none of its
-- decisions is. `strategy` is that of the decision, and empty where the posted order tells it;
-- `known_position` is that of the last of the records that lead to it.
CREATE TEMP TABLE named_decision AS
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
    SELECT *, unnest([side, 'either']) AS fill_side
    FROM merged_decision
    WHERE outcome = 'posted' AND (order_id IS NOT NULL OR client_order_id IS NOT NULL)
),

by_order AS (
    SELECT
        venue, account, mode, order_id, instrument_id, fill_side, min(decision_id) AS decision_id,
        min(strategy) AS strategy, min(position) AS decision_position
    FROM sided
    WHERE order_id IS NOT NULL
    GROUP BY ALL
    HAVING count(*) = 1
),

by_id AS (
    SELECT
        venue, account, mode, client_order_id, instrument_id, fill_side,
        min(decision_id) AS decision_id, min(strategy) AS strategy,
        min(position) AS decision_position, min(order_id) AS order_id
    FROM sided
    WHERE client_order_id IS NOT NULL
    GROUP BY venue, account, mode, client_order_id, instrument_id, fill_side
    HAVING count(*) = 1
),

-- the bot's id of the order is that of the fill, else that of the broker's order, else the recorded
by_client AS (
    SELECT f.position, f.order_id, 1 AS rank, d AS told, NULL AS link_position
    FROM placed AS f
    INNER JOIN by_id AS d
        ON d.venue = f.venue AND d.account = f.account AND d.mode = f.mode
        AND d.client_order_id = f.client_order_id AND d.instrument_id = f.instrument_id
        AND d.fill_side = f.side
    UNION ALL
    SELECT f.position, f.order_id, 2, d, o.position
    FROM by_id AS d
    INNER JOIN merged_order_state AS o
        ON o.venue = d.venue AND o.account = d.account AND o.mode = d.mode
        AND o.client_order_id = d.client_order_id
    INNER JOIN placed AS f
        ON f.venue = o.venue AND f.account = o.account AND f.mode = o.mode
        AND f.order_id = o.order_id AND f.instrument_id = d.instrument_id
        AND f.side = d.fill_side
    WHERE f.client_order_id IS NULL
    UNION ALL
    SELECT f.position, f.order_id, 3, d, p.posted_position
    FROM posted_fill AS p
    INNER JOIN placed AS f ON f.position = p.position
    INNER JOIN by_id AS d
        ON d.venue = f.venue AND d.account = f.account AND d.mode = f.mode
        AND d.client_order_id = p.client_order_id AND d.instrument_id = f.instrument_id
        AND d.fill_side = f.side
    WHERE f.client_order_id IS NULL
),

named AS (
    SELECT
        f.position, 1 AS strength, 1 AS rank, d.decision_id, d.strategy, d.decision_position,
        NULL AS link_position
    FROM placed AS f
    INNER JOIN by_order AS d
        ON d.venue = f.venue AND d.account = f.account AND d.mode = f.mode
        AND d.order_id = f.order_id AND d.instrument_id = f.instrument_id
        AND d.fill_side = f.side
    UNION ALL
    SELECT
        position, 2, rank, told.decision_id, told.strategy, told.decision_position, link_position
    FROM by_client
    WHERE order_id IS NULL OR coalesce(told.order_id = order_id, TRUE)
    UNION ALL
    SELECT f.position, 3, 1, d.decision_id, NULL, d.position, p.posted_position
    FROM posted_fill AS p
    INNER JOIN placed AS f ON f.position = p.position
    INNER JOIN merged_decision AS d
        ON d.venue = f.venue AND d.account = f.account AND d.mode = f.mode
        AND d.decision_id = p.decision_id AND d.instrument_id = f.instrument_id
    WHERE d.outcome = 'posted' AND f.side IN (d.side, 'either')
),

strongest AS (
    SELECT position, arg_min(n, (strength, rank, decision_id)) AS told
    FROM named AS n
    GROUP BY position
)

SELECT
    position,
    told.strength AS strength,
    told.decision_id AS decision_id,
    real_strategy(told.strategy) AS strategy,
    told.decision_position AS decision_position,
    greatest(told.decision_position, told.link_position) AS known_position
FROM strongest;
