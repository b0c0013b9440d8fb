-- kalshi.settlement -> settlement.
-- revenue and value are whole cents in every generation. value is the payout of one YES.
-- '' was the result of scalar markets until 28 January 2026.
-- Invariants checked per row: value agrees with the result, counts are not negative.
WITH rendered AS (
    SELECT
        *,
        CASE
            -- whole contracts and cents, no fee
            WHEN reader = '0' THEN struct_pack(
                yes_quantity := p.yes_count,
                no_quantity := p.no_count,
                yes_cost := dollars_of_cents(p.yes_total_cost),
                no_cost := dollars_of_cents(p.no_total_cost),
                fee := NULL::VARCHAR
            )
            -- fee_cost
            WHEN reader = '1' THEN struct_pack(
                yes_quantity := p.yes_count,
                no_quantity := p.no_count,
                yes_cost := dollars_of_cents(p.yes_total_cost),
                no_cost := dollars_of_cents(p.no_total_cost),
                fee := p.fee_cost
            )
            -- counts as strings, costs still in cents
            WHEN reader = '2' THEN struct_pack(
                yes_quantity := p.yes_count_fp,
                no_quantity := p.no_count_fp,
                yes_cost := dollars_of_cents(p.yes_total_cost),
                no_cost := dollars_of_cents(p.no_total_cost),
                fee := p.fee_cost
            )
            -- 3a, 3b, 5: dollar strings; 3a has the cents beside them, 5 adds exchange_index
            WHEN reader IN ('3a', '3b', '5') THEN struct_pack(
                yes_quantity := p.yes_count_fp,
                no_quantity := p.no_count_fp,
                yes_cost := p.yes_total_cost_dollars,
                no_cost := p.no_total_cost_dollars,
                fee := p.fee_cost
            )
        END AS r
    FROM decoded
)

SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.ticker AS instrument_id,
    CASE WHEN p.market_result = '' THEN 'scalar' ELSE p.market_result END AS result,
    p.market_result <> '' AS result_named,
    CASE p.market_result
        WHEN 'yes' THEN '1'
        WHEN 'no' THEN '0'
        WHEN 'void' THEN NULL
        ELSE dollars_of_cents(p.value)
    END AS payout,
    r.yes_quantity AS yes_quantity,
    r.no_quantity AS no_quantity,
    r.yes_cost AS yes_cost,
    r.no_cost AS no_cost,
    dollars_of_cents(p.revenue) AS revenue_reported,
    r.fee AS fee_reported,
    'USD' AS currency,
    p.settled_time AS settled_at,
    stated(p.event_ticker) AS event,
    p.exchange_index AS exchange_index,
    CASE
        WHEN p.market_result IN ('', 'scalar') AND p.value IS NULL
            THEN 'a scalar result without value'
        WHEN (p.market_result = 'yes' AND compared(p.value) <> 100)
            OR (p.market_result = 'no' AND compared(p.value) <> 0)
            THEN 'market_result ' || p.market_result || ' with value ' || p.value
        WHEN p.value IS NOT NULL AND compared(p.value) IS NULL
            THEN 'value ' || p.value || ' is beyond measure'
        WHEN compared(p.value) NOT BETWEEN 0 AND 100 THEN 'value ' || p.value || ' is not in 0..100'
        WHEN compared(r.yes_quantity) < 0 OR compared(r.no_quantity) < 0
            THEN 'counts ' || r.yes_quantity || ', ' || r.no_quantity || ' are negative'
    END AS contradiction
FROM rendered
