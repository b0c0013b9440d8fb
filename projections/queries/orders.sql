-- What became of each order, and what was filled of it?
SELECT
    concat_ws('/', o.venue, o.account, o.mode) AS account,
    coalesce(i.symbol, o.instrument_id) AS symbol,
    o.state,
    o.asked_quantity AS asked,
    o.filled_quantity AS filled,
    o.fills,
    o.average_price AS price,
    o.fees,
    o.order_id
FROM order_life AS o
LEFT JOIN instrument AS i USING (venue, instrument_id)
ORDER BY account, o.first_fill_at NULLS LAST, o.order_id
