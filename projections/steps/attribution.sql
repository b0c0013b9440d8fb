-- fill, identified_fill, named_decision, matched_decision, left_entry, merged_attribution_claim ->
-- attribution, restatement: one row a fill.
-- What the ids of its order say stands; where none is known, the nearest decision, then the entry
-- that it leaves; where none of them explains it, an operator's claim. All else is 'unattributed'.
INSERT INTO attribution BY NAME
WITH weighed AS (
    SELECT
        f.venue,
        f.account,
        f.mode,
        f.fill_id,
        i.*,
        coalesce(n.decision_id, d.decision_id) AS decision_id,
        c.position AS claim_position,
        CASE
            WHEN i.strategy IS NOT NULL THEN i.rule
            WHEN d.strategy IS NOT NULL THEN 'decision'
            WHEN x.strategy IS NOT NULL THEN 'exit'
            WHEN c.strategy IS NOT NULL THEN 'claim'
            WHEN d.position IS NOT NULL THEN 'ambiguous'
            ELSE i.rule
        END AS decided_by,
        coalesce(i.strategy, d.strategy, x.strategy, c.strategy, 'unattributed') AS whose,
        coalesce(x.evidence_positions, d.evidence_positions) AS guess_positions
    FROM fill AS f
    INNER JOIN identified_fill AS i ON i.position = f.position
    LEFT JOIN named_decision AS n ON n.position = f.position
    LEFT JOIN matched_decision AS d ON d.position = f.position
    LEFT JOIN left_entry AS x ON x.position = f.position
    LEFT JOIN merged_attribution_claim AS c
        ON c.venue = f.venue AND c.account = f.account AND c.mode = f.mode
        AND c.fill_id = f.fill_id AND c.strategy IS NOT NULL
)

SELECT
    venue,
    account,
    mode,
    fill_id,
    position,
    client_order_id,
    whose AS strategy,
    decided_by AS rule,
    prefix,
    CASE decided_by
        WHEN 'ambiguous' THEN 'decision'
        WHEN 'decision' THEN 'decision'
        WHEN 'exit' THEN 'exit'
        WHEN 'claim' THEN 'claim'
        ELSE evidence
    END AS evidence,
    CASE
        WHEN decided_by = 'prefix' AND evidence = 'fill' THEN 'certain'
        WHEN decided_by IN ('prefix', 'recorded') THEN 'strong'
        WHEN decided_by = 'decision' THEN 'likely'
        WHEN decided_by = 'exit' THEN 'guessed'
        WHEN decided_by = 'claim' THEN 'claimed'
        ELSE 'none'
    END AS confidence,
    decision_id,
    CASE
        WHEN decided_by IN ('decision', 'exit', 'ambiguous') THEN guess_positions
        WHEN decided_by = 'claim' THEN [claim_position]
        WHEN evidence_position IS NULL THEN []
        ELSE [evidence_position]
    END AS evidence_positions
FROM weighed;

-- evidence that came behind the fill has changed the past, and says so
INSERT INTO restatement BY NAME
SELECT
    'attribution' AS fact,
    concat_ws('|', venue, account, mode, fill_id) AS fact_id,
    'changed' AS change,
    'strategy' AS columns,
    '{"strategy":"unattributed"}' AS old_values,
    json_object('strategy', strategy)::VARCHAR AS new_values,
    0 AS cash_difference,
    position AS old_position,
    evidence_positions[1] AS new_position
FROM attribution
WHERE evidence IN ('posted_order', 'decision', 'exit', 'claim') AND strategy <> 'unattributed'
    AND evidence_positions[1] > position;
