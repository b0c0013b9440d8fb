-- cut, stored_fill, stored_attribution, fill, identified_fill, rule_setting -> left_entry: as its
-- step does, the entries that lie before the cut of their instrument. None behind it is later.
INSERT INTO left_entry
WITH candidate AS (
    SELECT
        f.position, f.venue, f.account, f.mode, f.subaccount, f.instrument_id, f.executed_at,
        c.since
    FROM fill AS f
    INNER JOIN cut AS c ON c.venue = f.venue AND c.instrument_id = f.instrument_id
    INNER JOIN identified_fill AS i ON i.position = f.position
    ANTI JOIN left_entry AS e ON e.position = f.position
    CROSS JOIN rule_setting AS s
    WHERE f.venue = 'kalshi' AND f.side = 'buy' AND f.price <= s.exit_price_max
        AND i.rule = 'manual' AND s.match_exits
),

earlier AS (
    SELECT
        f.venue, f.account, f.mode, f.subaccount, f.instrument_id, f.executed_at, f.fill_id,
        f.position
    FROM stored_fill AS f
    INNER JOIN (SELECT DISTINCT venue, instrument_id, since FROM candidate) AS n
        ON n.venue = f.venue AND n.instrument_id = f.instrument_id
    WHERE f.side = 'sell'
        AND f.executed_at < n.since
        AND f.executed_at >= (
            SELECT min(executed_at) - max(exit_window_seconds) * INTERVAL 1 SECOND
            FROM candidate CROSS JOIN rule_setting
        )
),

moment AS (
    SELECT
        f.venue,
        f.account,
        f.mode,
        f.subaccount,
        f.instrument_id,
        f.executed_at,
        arg_max(a.strategy, f.fill_id) AS strategy,
        arg_max(list_concat([f.position], a.evidence_positions), f.fill_id) AS evidence_positions
    FROM earlier AS f
    INNER JOIN stored_attribution AS a ON a.position = f.position
    WHERE a.strategy <> 'unattributed'
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
