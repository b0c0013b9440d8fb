-- Which lots are still open, and what did they cost?
-- quantity is signed; an empty fee is one that nobody has stated yet.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    subaccount AS sub,
    instrument_id,
    CASE direction WHEN 'long' THEN quantity ELSE -quantity END AS quantity,
    open_price AS price,
    cost,
    fees,
    strategy,
    (opened_at AT TIME ZONE 'UTC')::DATE AS opened_on,
    open_fill_id
FROM open_lot
ORDER BY account, sub, instrument_id, opened_at, open_fill_id
