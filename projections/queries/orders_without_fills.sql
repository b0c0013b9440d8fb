-- Of which orders does the broker say that more was filled than there are fills?
WITH filled AS (
    SELECT venue, account, mode, order_id, sum(quantity) AS quantity
    FROM fill
    GROUP BY ALL
)

SELECT
    concat_ws('/', o.venue, o.account, o.mode) AS account,
    o.instrument_id,
    o.status,
    o.filled_quantity AS said,
    coalesce(f.quantity, 0) AS in_fills,
    o.filled_quantity - coalesce(f.quantity, 0) AS lacking,
    (o.created_at AT TIME ZONE 'UTC')::DATE AS created_on,
    o.order_id
FROM order_state AS o
LEFT JOIN filled AS f USING (venue, account, mode, order_id)
WHERE o.filled_quantity > coalesce(f.quantity, 0)
ORDER BY account, o.created_at, o.order_id
