-- How did options end, and what premium went over into which underlying?
-- The broker's own commentary stands in event.
WITH commented AS (
    SELECT
        venue,
        account,
        mode,
        trade_id,
        string_agg(event_type, ', ' ORDER BY event_type) AS event
    FROM option_event
    GROUP BY ALL
)

SELECT
    concat_ws('/', f.account, f.mode) AS account,
    (f.executed_at AT TIME ZONE 'America/New_York')::DATE AS day,
    coalesce(f.symbol, f.instrument_id) AS symbol,
    f.booking,
    CASE f.side WHEN 'buy' THEN f.quantity ELSE -f.quantity END AS quantity,
    c.premium,
    c.fees,
    coalesce(i.symbol, c.into_instrument_id) AS into,
    e.event
FROM fill AS f
LEFT JOIN carried_premium AS c USING (venue, account, mode, fill_id)
LEFT JOIN instrument AS i
    ON i.venue = f.venue AND i.instrument_id = c.into_instrument_id
LEFT JOIN commented AS e
    ON e.venue = f.venue
    AND e.account = f.account
    AND e.mode = f.mode
    AND e.trade_id = f.broker_trade_id
WHERE f.booking IN ('expiry', 'exercise', 'assignment') AND f.asset_class IN ('OPT', 'FOP')
ORDER BY account, f.executed_at, symbol, f.fill_id
