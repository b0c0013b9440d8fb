-- fill, identified_fill, merged_decision, rule_setting -> matched_decision (temporary): fills of
-- which no id is known, each with the nearest posted decision on its instrument and side.
-- Where equally near ones name several strategies, `strategy` is empty: that is never guessed.
CREATE TEMP TABLE matched_decision AS
WITH moment AS (
    SELECT
        venue,
        account,
        mode,
        instrument_id,
        side,
        decided_at,
        min(strategy) AS strategy,
        max(strategy) AS other_strategy,
        arg_min(decision_id, (strategy, decision_id)) AS decision_id,
        arg_min(position, (strategy, decision_id)) AS decision_position,
        arg_max(position, (strategy, decision_id)) AS other_position
    FROM merged_decision
    WHERE outcome = 'posted' AND real_strategy(strategy) IS NOT NULL
        AND (SELECT match_decisions FROM rule_setting)
    GROUP BY ALL
),

unexplained AS (
    SELECT f.position, f.venue, f.account, f.mode, f.instrument_id, f.side, f.executed_at
    FROM fill AS f
    INNER JOIN identified_fill AS i ON i.position = f.position
    SEMI JOIN moment AS m
        ON m.venue = f.venue AND m.account = f.account AND m.mode = f.mode
        AND m.instrument_id = f.instrument_id AND m.side = f.side
    WHERE i.rule = 'manual' AND f.booking = 'execution'
),

-- the last before and the first behind
near AS (
    SELECT u.position, u.executed_at, m AS decision
    FROM unexplained AS u
    ASOF INNER JOIN moment AS m
        ON m.venue = u.venue AND m.account = u.account AND m.mode = u.mode
        AND m.instrument_id = u.instrument_id AND m.side = u.side
        AND m.decided_at <= u.executed_at
    UNION ALL
    SELECT u.position, u.executed_at, m
    FROM unexplained AS u
    ASOF INNER JOIN moment AS m
        ON m.venue = u.venue AND m.account = u.account AND m.mode = u.mode
        AND m.instrument_id = u.instrument_id AND m.side = u.side
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
        WHEN min(decision.strategy) = max(decision.other_strategy) THEN min(decision.decision_id)
    END AS decision_id,
    CASE
        WHEN min(decision.strategy) = max(decision.other_strategy)
            THEN [arg_min(decision.decision_position, decision.decision_id)]
        ELSE [
            arg_min(decision.decision_position, (decision.strategy, decision.decision_id)),
            arg_max(decision.other_position, (decision.other_strategy, decision.decision_id))
        ]
    END AS evidence_positions
FROM nearest
GROUP BY position;
