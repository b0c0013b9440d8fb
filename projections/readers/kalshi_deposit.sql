-- kalshi.deposit -> cash_movement. Whole cents; only the state applied moves cash.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.id AS movement_id,
    'deposit' AS direction,
    'deposit' AS category,
    dollars_of_cents(p.amount_cents) AS amount,
    dollars_of_cents(p.fee_cents) AS fee,
    'USD' AS currency,
    p.status AS status,
    stated(p.type) AS method,
    time_of_seconds(p.created_ts) AS created_at,
    time_of_seconds(p.finalized_ts) AS finalized_at,
    CASE
        WHEN compared(p.amount_cents) < 0 OR compared(p.fee_cents) < 0
            THEN 'amount ' || p.amount_cents || ' or fee ' || p.fee_cents || ' is negative'
        -- ten thousand millions: sums of them must stay within their type
        WHEN compared(p.amount_cents) IS NULL OR compared(p.fee_cents) IS NULL
            THEN 'amount ' || p.amount_cents || ' or fee ' || p.fee_cents || ' is beyond measure'
    END AS contradiction
FROM decoded
