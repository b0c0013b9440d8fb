-- Which lots are still open, and what did they cost?
-- quantity is signed; an empty fee is one that nobody has stated yet, an empty price or cost that
-- of an opening that nobody has told.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    subaccount AS sub,
    symbol AS instrument,
    CASE direction WHEN 'long' THEN quantity ELSE -quantity END AS quantity,
    open_price AS price,
    cost,
    fees,
    strategy,
    (opened_at AT TIME ZONE 'UTC')::DATE AS opened_on,
    open_fill_id
FROM open_lot
INNER JOIN instrument USING (venue, instrument_id)
ORDER BY account, sub, instrument, opened_at, open_fill_id
