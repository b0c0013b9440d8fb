-- fill, identified_fill, matched_decision, merged_attribution_claim, strategy_exit, rule_setting ->
-- left_entry (temporary): cheap YES of Kalshi that nothing explains, bought soon after a NO of some
-- strategy on the same market, in the same subaccount: it leaves that entry, as the strategy that
-- closes that one's positions. The latest entry counts. Entries are never guessed this way, so
-- nothing builds on it.
CREATE TEMP TABLE left_entry AS
WITH candidate AS (
    SELECT
        f.position, f.venue, f.account, f.mode, f.subaccount, f.instrument_id, f.executed_at
    FROM fill AS f
    INNER JOIN identified_fill AS i ON i.position = f.position
    ANTI JOIN matched_decision AS d ON d.position = f.position
    CROSS JOIN rule_setting AS s
    WHERE f.venue = 'kalshi' AND f.side = 'buy' AND f.price <= s.exit_price_max
        AND i.rule = 'manual' AND s.match_exits
),

entry AS (
    SELECT
        f.venue,
        f.account,
        f.mode,
        f.subaccount,
        f.instrument_id,
        f.executed_at,
        f.fill_id,
        f.position,
        coalesce(i.strategy, d.strategy, c.strategy) AS strategy,
        CASE
            WHEN i.strategy IS NOT NULL THEN [f.position, i.evidence_position]
            WHEN d.strategy IS NOT NULL THEN list_concat([f.position], d.evidence_positions)
            ELSE [f.position, c.position]
        END AS evidence_positions
    FROM fill AS f
    SEMI JOIN candidate AS n
        ON n.venue = f.venue AND n.account = f.account AND n.mode = f.mode
        AND n.subaccount = f.subaccount AND n.instrument_id = f.instrument_id
    INNER JOIN identified_fill AS i ON i.position = f.position
    LEFT JOIN matched_decision AS d ON d.position = f.position
    LEFT JOIN merged_attribution_claim AS c
        ON c.venue = f.venue AND c.account = f.account AND c.mode = f.mode
        AND c.fill_id = f.fill_id
    WHERE f.side = 'sell' AND coalesce(i.strategy, d.strategy, c.strategy) IS NOT NULL
),

moment AS (
    SELECT
        venue,
        account,
        mode,
        subaccount,
        instrument_id,
        executed_at,
        arg_max(strategy, fill_id) AS strategy,
        arg_max(evidence_positions, fill_id) AS evidence_positions
    FROM entry
    GROUP BY ALL
),

exit_of AS (
    SELECT parent, min(strategy) AS strategy FROM strategy_exit GROUP BY parent
)

SELECT
    n.position,
    coalesce(x.strategy, m.strategy) AS strategy,
    without_repeats(m.evidence_positions) AS evidence_positions
FROM candidate AS n
ASOF INNER JOIN moment AS m
    ON m.venue = n.venue AND m.account = n.account AND m.mode = n.mode
    AND m.subaccount = n.subaccount AND m.instrument_id = n.instrument_id
    AND m.executed_at < n.executed_at
LEFT JOIN exit_of AS x ON x.parent = m.strategy
WHERE epoch_us(n.executed_at) - epoch_us(m.executed_at)
    <= 1000000 * (SELECT exit_window_seconds FROM rule_setting);
