-- kalshi.market -> market. What is read did not change between generations.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.ticker AS instrument_id,
    p.event_ticker AS event,
    p.status AS status,
    stated(p.result) AS result,
    stated(p.strike_type) AS strike_type,
    p.floor_strike::VARCHAR AS floor_strike,
    p.cap_strike::VARCHAR AS cap_strike,
    stated(p.close_time) AS closes_at,
    stated(p.fee_waiver_expiration_time) AS fee_waived_until,
    stated(p.updated_time) AS updated_at,
    NULL AS contradiction
FROM decoded
