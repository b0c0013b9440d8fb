-- fill, merged_order_state, posted_fill, named_decision, strategy_prefix -> identified_fill
-- (temporary): every fill with what the ids of its order say.
-- Evidence is tried until one explains the fill: its own client_order_id, that of the broker's
-- order, the order as the bot recorded it, the decision that names the order, the id of its live
-- message. The longest prefix that fits wins; a recorded order that fits no prefix has the strategy
-- that was recorded. A fill that none of them explains keeps the first id that was found, as an
-- unknown prefix.
CREATE TEMP TABLE identified_fill AS
WITH reach AS (
    SELECT max(length(prefix)) AS longest FROM strategy_prefix
),

-- how ids begin, as far as the longest prefix goes: few, where ids are many
head AS (
    SELECT DISTINCT left(t.client_order_id, r.longest) AS head
    FROM (
        SELECT client_order_id FROM fill
        UNION ALL
        SELECT client_order_id FROM merged_order_state
        UNION ALL
        SELECT client_order_id FROM posted_fill
    ) AS t
    CROSS JOIN reach AS r
    WHERE t.client_order_id IS NOT NULL
),

fitting AS (
    SELECT h.head, arg_max(s, length(s.prefix)) AS fit
    FROM head AS h
    CROSS JOIN (SELECT DISTINCT length(prefix) AS length FROM strategy_prefix) AS l
    INNER JOIN strategy_prefix AS s ON s.prefix = left(h.head, l.length)
    GROUP BY h.head
),

known AS (
    SELECT
        f.position,
        f.client_order_evidence,
        f.client_order_id AS fill_client_id,
        f.client_order_position AS fill_client_position,
        o.client_order_id AS order_client_id,
        o.position AS order_position,
        p.posted_position,
        p.client_order_id AS posted_client_id,
        p.strategy AS posted_strategy,
        d.decision_position,
        d.strategy AS decision_strategy,
        a.fit AS fill_fit,
        b.fit AS order_fit,
        c.fit AS posted_fit
    FROM fill AS f
    LEFT JOIN merged_order_state AS o
        ON o.venue = f.venue AND o.account = f.account AND o.mode = f.mode
        AND o.order_id = f.order_id
    LEFT JOIN posted_fill AS p ON p.position = f.position
    LEFT JOIN named_decision AS d ON d.position = f.position
    CROSS JOIN reach AS r
    LEFT JOIN fitting AS a ON a.head = left(f.client_order_id, r.longest)
    LEFT JOIN fitting AS b ON b.head = left(o.client_order_id, r.longest)
    LEFT JOIN fitting AS c ON c.head = left(p.client_order_id, r.longest)
),

decided AS (
    SELECT
        *,
        CASE
            WHEN client_order_evidence = 'fill' AND fill_fit IS NOT NULL THEN 'fill'
            WHEN order_fit IS NOT NULL THEN 'order'
            WHEN posted_fit IS NOT NULL OR posted_strategy IS NOT NULL THEN 'posted_order'
            WHEN decision_strategy IS NOT NULL THEN 'decision'
            WHEN fill_fit IS NOT NULL THEN 'message'
            WHEN client_order_evidence = 'fill' THEN 'fill'
            WHEN order_client_id IS NOT NULL THEN 'order'
            WHEN posted_client_id IS NOT NULL THEN 'posted_order'
            WHEN fill_client_id IS NOT NULL THEN 'message'
            ELSE 'none'
        END AS evidence,
        CASE evidence
            WHEN 'order' THEN order_fit
            WHEN 'posted_order' THEN posted_fit
            WHEN 'decision' THEN NULL
            WHEN 'none' THEN NULL
            ELSE fill_fit
        END AS fit
    FROM known
)

SELECT
    position,
    CASE evidence
        WHEN 'order' THEN order_client_id
        WHEN 'posted_order' THEN coalesce(posted_client_id, fill_client_id, order_client_id)
        WHEN 'decision' THEN coalesce(fill_client_id, order_client_id, posted_client_id)
        ELSE fill_client_id
    END AS client_order_id,
    CASE
        WHEN fit IS NOT NULL THEN fit.strategy
        WHEN evidence = 'posted_order' THEN posted_strategy
        WHEN evidence = 'decision' THEN decision_strategy
    END AS strategy,
    CASE
        WHEN fit IS NOT NULL THEN 'prefix'
        WHEN evidence = 'posted_order' AND posted_strategy IS NOT NULL THEN 'recorded'
        WHEN evidence = 'decision' THEN 'recorded'
        WHEN evidence <> 'none' THEN 'unknown_prefix'
        ELSE 'manual'
    END AS rule,
    fit.prefix AS prefix,
    evidence,
    CASE evidence
        WHEN 'order' THEN order_position
        WHEN 'posted_order' THEN posted_position
        WHEN 'decision' THEN decision_position
        ELSE fill_client_position
    END AS evidence_position
FROM decided;
