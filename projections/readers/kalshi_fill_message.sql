-- kalshi.fill_message -> fill: what the live channel told before any page of fills did.
-- The contract is YES: acquiring NO is selling YES at yes_price. side, action and purchased_side
-- are not read: they follow the order, not what was acquired.
-- The time is in milliseconds; a page of fills says it to the microsecond and outranks a message.
-- Invariants checked per row: book_side agrees with outcome_side, quantity > 0, price in 0..1.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.trade_id AS fill_id,
    p.order_id AS order_id,
    stated(p.client_order_id) AS client_order_id,
    CASE WHEN stated(p.client_order_id) IS NOT NULL THEN 'message' END AS client_order_evidence,
    CASE WHEN stated(p.client_order_id) IS NOT NULL THEN position END AS client_order_position,
    p.subaccount AS subaccount,
    p.market_ticker AS instrument_id,
    'EVENT' AS asset_class,
    'execution' AS booking,
    'message' AS told_by,
    CASE p.outcome_side WHEN 'yes' THEN 'buy' WHEN 'no' THEN 'sell' ELSE p.outcome_side END AS side,
    p.outcome_side AS outcome_side,
    p.count_fp AS quantity,
    p.yes_price_dollars AS price,
    '1' AS multiplier,
    p.fee_cost AS fee,
    'USD' AS fee_currency,
    'USD' AS currency,
    time_of_milliseconds(p.ts_ms) AS executed_at,
    CASE WHEN p.is_taker THEN 'taker' ELSE 'maker' END AS liquidity,
    p.exchange_index AS exchange_index,
    CASE
        WHEN p.order_id = '' THEN 'order_id is empty'
        WHEN (p.outcome_side, p.book_side) NOT IN (('yes', 'bid'), ('no', 'ask'))
            THEN 'outcome_side ' || p.outcome_side || ' with book_side ' || p.book_side
        WHEN compared(p.count_fp) <= 0 THEN 'quantity ' || p.count_fp || ' is not positive'
        -- more than any market ever traded; sums over a holding must stay within 64 bits
        WHEN compared(p.count_fp) > 10000000 THEN 'quantity ' || p.count_fp || ' is beyond measure'
        WHEN compared(p.yes_price_dollars) NOT BETWEEN 0 AND 1
            THEN 'price ' || p.yes_price_dollars || ' is not in 0..1'
    END AS contradiction
FROM decoded
