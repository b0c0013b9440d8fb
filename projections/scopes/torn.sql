-- ordered -> the instruments that share an order with another: they are made anew as a whole.
SELECT venue, instrument_id
FROM ordered
SEMI JOIN (
    SELECT venue, order_id
    FROM ordered
    GROUP BY ALL
    HAVING count(DISTINCT instrument_id) > 1
) USING (venue, order_id)
