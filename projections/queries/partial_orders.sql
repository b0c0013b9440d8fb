-- Which orders ended, or still wait, with only a part of them filled?
-- agreement: whether the broker's status counts the same fills.
SELECT
    concat_ws('/', o.venue, o.account, o.mode) AS account,
    coalesce(i.symbol, o.instrument_id) AS symbol,
    o.status,
    o.asked_quantity AS asked,
    o.filled_quantity AS filled,
    o.fills,
    o.cost,
    o.agreement,
    o.order_id
FROM order_life AS o
LEFT JOIN instrument AS i USING (venue, instrument_id)
WHERE o.state = 'partly_filled' OR (o.state = 'working' AND o.filled_quantity > 0)
ORDER BY account, o.first_fill_at NULLS LAST, o.order_id
