-- kalshi.fill -> fill.
-- Source of the rules: measured on 822 real fills and 182 settlements of January 2026.
-- acquired side = outcome_side, else side (REST names the side acquired, whatever action says).
-- The contract is YES: acquiring NO is selling YES at yes_price.
-- Invariants checked per row: yes + no = 1, book_side agrees with outcome_side, quantity > 0.
WITH rendered AS (
    SELECT
        *,
        CASE
            -- whole cents and contracts; trade_id is the only id, fees are not stated
            WHEN reader = '0' THEN struct_pack(
                fill_id := coalesce(p.fill_id, p.trade_id),
                acquired := p.side,
                book_side := NULL::VARCHAR,
                quantity := p.count,
                yes := dollars_of_cents(p.yes_price),
                no := dollars_of_cents(p.no_price),
                fee := NULL::VARCHAR
            )
            -- dollar strings beside the cents
            WHEN reader = '1' THEN struct_pack(
                fill_id := p.fill_id,
                acquired := p.side,
                book_side := NULL::VARCHAR,
                quantity := p.count,
                yes := p.yes_price_fixed,
                no := p.no_price_fixed,
                fee := NULL::VARCHAR
            )
            -- count_fp; fee_cost from 28 January on
            WHEN reader = '2' THEN struct_pack(
                fill_id := p.fill_id,
                acquired := p.side,
                book_side := NULL::VARCHAR,
                quantity := p.count_fp,
                yes := p.yes_price_fixed,
                no := p.no_price_fixed,
                fee := p.fee_cost
            )
            -- *_dollars; 3b has lost *_fixed and client_order_id
            WHEN reader IN ('3a', '3b') THEN struct_pack(
                fill_id := p.fill_id,
                acquired := p.side,
                book_side := NULL::VARCHAR,
                quantity := p.count_fp,
                yes := p.yes_price_dollars,
                no := p.no_price_dollars,
                fee := p.fee_cost
            )
            -- outcome_side and book_side; 5 adds exchange_index
            WHEN reader IN ('4', '5') THEN struct_pack(
                fill_id := p.fill_id,
                acquired := p.outcome_side,
                book_side := p.book_side,
                quantity := p.count_fp,
                yes := p.yes_price_dollars,
                no := p.no_price_dollars,
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
    r.fill_id AS fill_id,
    p.order_id AS order_id,
    stated(p.client_order_id) AS client_order_id,
    CASE WHEN stated(p.client_order_id) IS NOT NULL THEN 'fill' END AS client_order_evidence,
    CASE WHEN stated(p.client_order_id) IS NOT NULL THEN position END AS client_order_position,
    p.subaccount_number AS subaccount,
    p.ticker AS instrument_id,
    'EVENT' AS asset_class,
    'execution' AS booking,
    'api' AS told_by,
    CASE r.acquired WHEN 'yes' THEN 'buy' WHEN 'no' THEN 'sell' ELSE r.acquired END AS side,
    r.acquired AS outcome_side,
    r.quantity AS quantity,
    r.yes AS price,
    '1' AS multiplier,
    r.fee AS fee,
    'USD' AS fee_currency,
    'USD' AS currency,
    p.created_time AS executed_at,
    CASE WHEN p.is_taker THEN 'taker' ELSE 'maker' END AS liquidity,
    p.exchange_index AS exchange_index,
    CASE
        WHEN p.order_id = '' THEN 'order_id is empty'
        -- rows compare as if NULL were a value: without the first condition, silence would differ
        WHEN r.book_side IS NOT NULL
            AND (r.acquired, r.book_side) NOT IN (('yes', 'bid'), ('no', 'ask'))
            THEN 'outcome_side ' || r.acquired || ' with book_side ' || r.book_side
        WHEN reader IN ('4', '5') AND p.side <> p.outcome_side
            THEN 'outcome_side ' || p.outcome_side || ' with side ' || p.side
        WHEN compared(r.yes) + compared(r.no) <> 1
            THEN 'yes ' || r.yes || ' + no ' || r.no || ' is not 1'
        WHEN r.no IS NOT NULL AND compared(r.no) IS NULL
            THEN 'the price of NO, ' || r.no || ', is no number'
        WHEN compared(r.quantity) <= 0 THEN 'quantity ' || r.quantity || ' is not positive'
        -- more than any market ever traded; sums over a holding must stay within 64 bits
        WHEN compared(r.quantity) > 10000000 THEN 'quantity ' || r.quantity || ' is beyond measure'
        WHEN compared(r.yes) NOT BETWEEN 0 AND 1 THEN 'price ' || r.yes || ' is not in 0..1'
    END AS contradiction
FROM rendered
