-- fill, merged_order_state, strategy_prefix -> attribution: one row a fill.
-- Evidence in order: the client_order_id that a rendering of the fill states (a page, or a message
-- of the live channel), then that of its order. The longest prefix of the book's rules wins; a fill
-- that no rule explains is 'unattributed', never guessed.
INSERT INTO attribution BY NAME
WITH evidence AS (
    SELECT
        f.venue,
        f.account,
        f.mode,
        f.fill_id,
        f.position,
        coalesce(f.client_order_id, o.client_order_id) AS client_order_id,
        CASE
            WHEN f.client_order_id IS NOT NULL THEN f.client_order_evidence
            WHEN o.client_order_id IS NOT NULL THEN 'order'
            ELSE 'none'
        END AS evidence,
        CASE
            WHEN f.client_order_id IS NOT NULL THEN f.client_order_position
            WHEN o.client_order_id IS NOT NULL THEN o.position
        END AS evidence_position
    FROM fill AS f
    LEFT JOIN merged_order_state AS o USING (venue, account, mode, order_id)
),

matched AS (
    SELECT
        c.client_order_id,
        arg_max(p.prefix, length(p.prefix)) AS rule,
        arg_max(p.strategy, length(p.prefix)) AS strategy
    FROM (
        SELECT DISTINCT client_order_id FROM evidence WHERE client_order_id IS NOT NULL
    ) AS c
    INNER JOIN strategy_prefix AS p ON starts_with(c.client_order_id, p.prefix)
    GROUP BY c.client_order_id
)

SELECT
    e.venue,
    e.account,
    e.mode,
    e.fill_id,
    e.position,
    e.client_order_id,
    e.evidence,
    e.evidence_position,
    m.rule,
    coalesce(m.strategy, 'unattributed') AS strategy
FROM evidence AS e
LEFT JOIN matched AS m USING (client_order_id);
