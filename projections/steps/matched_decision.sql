-- fill, identified_fill, named_decision, merged_decision, rule_setting -> matched_decision
-- (temporary): fills of which no id and no decision is known, each with the nearest posted decision
-- on its instrument and side. One that names another order than the fill's is not looked at.
-- Where equally near ones name several strategies, `strategy` is empty, and `decision_id` wherever
-- there are several: that is never guessed.
CREATE TEMP TABLE matched_decision AS
WITH unexplained AS (
    SELECT
        f.position, f.venue, f.account, f.mode, f.instrument_id, f.side, f.order_id, f.executed_at
    FROM fill AS f
    INNER JOIN identified_fill AS i ON i.position = f.position
    ANTI JOIN named_decision AS n ON n.position = f.position
    SEMI JOIN merged_decision AS d
        ON d.venue = f.venue AND d.account = f.account AND d.mode = f.mode
        AND d.instrument_id = f.instrument_id AND d.side = f.side AND d.outcome = 'posted'
    WHERE i.rule = 'manual' AND f.booking = 'execution'
        AND (SELECT match_decisions FROM rule_setting)
),

-- of which order a decision may be: any, those without an id, the one that it names
open AS (
    SELECT
        d.*,
        unnest(
            CASE
                WHEN d.order_id IS NULL THEN ['any', 'none']
                ELSE ['any', 'order ' || d.order_id]
            END
        ) AS of_order
    FROM merged_decision AS d
    SEMI JOIN unexplained AS u
        ON u.venue = d.venue AND u.account = d.account AND u.mode = d.mode
        AND u.instrument_id = d.instrument_id AND u.side = d.side
    WHERE d.outcome = 'posted' AND real_strategy(d.strategy) IS NOT NULL
),

moment AS (
    SELECT
        venue,
        account,
        mode,
        instrument_id,
        side,
        of_order,
        decided_at,
        min(strategy) AS strategy,
        max(strategy) AS other_strategy,
        arg_min(decision_id, (strategy, decision_id)) AS decision_id,
        arg_max(decision_id, (strategy, decision_id)) AS other_id,
        arg_min(position, (strategy, decision_id)) AS decision_position,
        arg_max(position, (strategy, decision_id)) AS other_position
    FROM open
    GROUP BY ALL
),

asking AS (
    SELECT
        *,
        unnest(
            CASE
                WHEN order_id IS NULL THEN ['any'] ELSE ['none', 'order ' || order_id]
            END
        ) AS of_order
    FROM unexplained
),

-- the last before and the first behind
near AS (
    SELECT u.position, u.executed_at, m AS decision
    FROM asking AS u
    ASOF INNER JOIN moment AS m
        ON m.venue = u.venue AND m.account = u.account AND m.mode = u.mode
        AND m.instrument_id = u.instrument_id AND m.side = u.side AND m.of_order = u.of_order
        AND m.decided_at <= u.executed_at
    UNION ALL
    SELECT u.position, u.executed_at, m
    FROM asking AS u
    ASOF INNER JOIN moment AS m
        ON m.venue = u.venue AND m.account = u.account AND m.mode = u.mode
        AND m.instrument_id = u.instrument_id AND m.side = u.side AND m.of_order = u.of_order
        AND m.decided_at >= u.executed_at
),

within AS (
    SELECT
        position,
        decision,
        abs(epoch_us(executed_at) - epoch_us(decision.decided_at)) AS gap_microseconds
    FROM near
    WHERE gap_microseconds <= 1000000 * (SELECT decision_window_seconds FROM rule_setting)
),

nearest AS (
    SELECT position, decision
    FROM within
    QUALIFY gap_microseconds = min(gap_microseconds) OVER (PARTITION BY position)
)

SELECT
    position,
    CASE
        WHEN min(decision.strategy) = max(decision.other_strategy) THEN min(decision.strategy)
    END AS strategy,
    CASE
        WHEN min(decision.decision_id) = max(decision.other_id) THEN min(decision.decision_id)
    END AS decision_id,
    CASE
        WHEN min(decision.decision_id) = max(decision.other_id)
            THEN [min(decision.decision_position)]
        ELSE [
            arg_min(decision.decision_position, (decision.strategy, decision.decision_id)),
            arg_max(decision.other_position, (decision.other_strategy, decision.other_id))
        ]
    END AS evidence_positions
FROM nearest
GROUP BY position;
