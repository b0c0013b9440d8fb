-- kalshi.order -> order_state.
-- An order's side and action follow the documented matrix (buy-yes and sell-no acquire yes),
-- unlike those of a REST fill.
WITH rendered AS (
    SELECT
        *,
        CASE
            -- counts of what was placed and filled, cents
            WHEN reader = '0' THEN struct_pack(
                initial := p.place_count,
                filled := coalesce(
                    (
                        TRY_CAST(p.maker_fill_count AS HUGEINT)
                        + TRY_CAST(p.taker_fill_count AS HUGEINT)
                    )::VARCHAR,
                    p.maker_fill_count || ' + ' || p.taker_fill_count
                ),
                remaining := p.remaining_count,
                price := dollars_of_cents(p.yes_price)
            )
            -- integer counts, dollar strings
            WHEN reader = '1' THEN struct_pack(
                initial := p.initial_count,
                filled := p.fill_count,
                remaining := p.remaining_count,
                price := p.yes_price_dollars
            )
            -- 2, 3, 4: counts as strings; 4 adds outcome_side
            WHEN reader IN ('2', '3', '4') THEN struct_pack(
                initial := p.initial_count_fp,
                filled := p.fill_count_fp,
                remaining := p.remaining_count_fp,
                price := p.yes_price_dollars
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
    p.order_id AS order_id,
    stated(p.client_order_id) AS client_order_id,
    p.subaccount_number AS subaccount,
    p.ticker AS instrument_id,
    CASE
        WHEN p.outcome_side IS NOT NULL THEN p.outcome_side
        WHEN (p.action, p.side) IN (('buy', 'yes'), ('sell', 'no')) THEN 'yes'
        WHEN (p.action, p.side) IN (('buy', 'no'), ('sell', 'yes')) THEN 'no'
        ELSE p.action || ' ' || p.side
    END AS outcome_side,
    CASE
        WHEN p.outcome_side = 'yes' OR (p.action, p.side) IN (('buy', 'yes'), ('sell', 'no'))
            THEN 'buy'
        ELSE 'sell'
    END AS side,
    p.type AS order_type,
    p.status AS status,
    r.price AS price,
    r.initial AS initial_quantity,
    r.filled AS filled_quantity,
    r.remaining AS remaining_quantity,
    p.created_time AS created_at,
    stated(p.last_update_time) AS updated_at,
    CASE WHEN p.status = '' THEN 'status is empty' END AS contradiction
FROM rendered
