-- stored_strategy_status, strategy_change -> strategy_fill: what its step counts over the whole
-- book. `is_lost` says that the last execution of a strategy is gone; what was before it is not
-- known here.
SELECT
    venue,
    account,
    mode,
    strategy,
    (coalesce(s.fills, 0) + coalesce(c.fills, 0))::BIGINT AS fills,
    greatest(s.last_fill_at, c.last_new_at) AS last_fill_at,
    coalesce(
        c.last_old_at >= s.last_fill_at
        AND coalesce(c.last_new_at < s.last_fill_at, TRUE),
        FALSE
    ) AS is_lost
FROM (SELECT * FROM stored_strategy_status WHERE fills > 0) AS s
FULL OUTER JOIN strategy_change AS c USING (venue, account, mode, strategy)
WHERE coalesce(s.fills, 0) + coalesce(c.fills, 0) > 0
