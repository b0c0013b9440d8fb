-- fill, merged_decision -> named_decision (temporary): the fills of whose order a posted decision
-- tells the id, the broker's or else the bot's own.
-- Only a single one is told: where a bot uses one id again and again, none of its decisions is.
CREATE TEMP TABLE named_decision AS
WITH posted AS (
    SELECT * FROM merged_decision WHERE outcome = 'posted'
),

by_order AS (
    SELECT venue, account, mode, order_id, instrument_id, side, min(decision_id) AS decision_id
    FROM posted
    WHERE order_id IS NOT NULL
    GROUP BY ALL
    HAVING count(*) = 1
),

by_client AS (
    SELECT
        venue, account, mode, client_order_id, instrument_id, side,
        min(decision_id) AS decision_id
    FROM posted
    WHERE client_order_id IS NOT NULL
    GROUP BY ALL
    HAVING count(*) = 1
),

named AS (
    SELECT f.position, 1 AS rank, d.decision_id
    FROM fill AS f
    INNER JOIN by_order AS d
        ON d.venue = f.venue AND d.account = f.account AND d.mode = f.mode
        AND d.order_id = f.order_id AND d.instrument_id = f.instrument_id AND d.side = f.side
    UNION ALL
    SELECT f.position, 2, d.decision_id
    FROM fill AS f
    INNER JOIN by_client AS d
        ON d.venue = f.venue AND d.account = f.account AND d.mode = f.mode
        AND d.client_order_id = f.client_order_id AND d.instrument_id = f.instrument_id
        AND d.side = f.side
)

SELECT position, arg_min(decision_id, rank) AS decision_id FROM named GROUP BY position;
