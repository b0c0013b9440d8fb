-- fill, merged_order_state, posted_fill, strategy_prefix -> identified_fill (temporary): every fill
-- with what the ids of its order say.
-- Evidence is tried until one explains the fill: its own client_order_id, that of the broker's
-- order, the order as the bot recorded it, that of its live message. The longest prefix that fits
-- wins; a recorded order that fits no prefix has the strategy that was recorded. A fill
-- that none of them explains keeps the first id that was found, as an unknown prefix.
CREATE TEMP TABLE identified_fill AS
WITH known AS (
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
        longest_fit(r.prefixes, f.client_order_id) AS fill_fit,
        longest_fit(r.prefixes, o.client_order_id) AS order_fit,
        longest_fit(r.prefixes, p.client_order_id) AS posted_fit
    FROM fill AS f
    LEFT JOIN merged_order_state AS o
        ON o.venue = f.venue AND o.account = f.account AND o.mode = f.mode
        AND o.order_id = f.order_id
    LEFT JOIN posted_fill AS p ON p.position = f.position
    CROSS JOIN (
        SELECT list(s ORDER BY length(s.prefix) DESC) AS prefixes FROM strategy_prefix AS s
    ) AS r
),

decided AS (
    SELECT
        *,
        CASE
            WHEN client_order_evidence = 'fill' AND fill_fit IS NOT NULL THEN 'fill'
            WHEN order_fit IS NOT NULL THEN 'order'
            WHEN posted_fit IS NOT NULL OR posted_strategy IS NOT NULL THEN 'posted_order'
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
        ELSE fill_client_id
    END AS client_order_id,
    CASE
        WHEN fit IS NOT NULL THEN fit.strategy
        WHEN evidence = 'posted_order' THEN posted_strategy
    END AS strategy,
    CASE
        WHEN fit IS NOT NULL THEN 'prefix'
        WHEN evidence = 'posted_order' AND posted_strategy IS NOT NULL THEN 'recorded'
        WHEN evidence <> 'none' THEN 'unknown_prefix'
        ELSE 'manual'
    END AS rule,
    fit.prefix AS prefix,
    evidence,
    CASE evidence
        WHEN 'order' THEN order_position
        WHEN 'posted_order' THEN posted_position
        ELSE fill_client_position
    END AS evidence_position
FROM decided;
