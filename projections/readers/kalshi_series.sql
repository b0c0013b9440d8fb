-- kalshi.series -> series. Read for what it charges.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.ticker AS series_id,
    stated(p.title) AS title,
    p.fee_type AS fee_type,
    p.fee_multiplier::VARCHAR AS fee_multiplier,
    received_at,
    CASE
        -- a thousand times the usual fee is more than a contract can be worth
        WHEN compared(p.fee_multiplier::VARCHAR) NOT BETWEEN 0 AND 1000
            THEN 'fee_multiplier ' || p.fee_multiplier || ' is not in 0..1000'
    END AS contradiction
FROM decoded
