-- What is held now, in how many lots, since when, and at what cost?
WITH lot AS (
    SELECT
        venue,
        account,
        mode,
        subaccount,
        instrument_id,
        currency,
        count(*) AS lots,
        min(opened_at) AS opened_at
    FROM open_lot
    GROUP BY ALL
)

SELECT
    concat_ws('/', venue, account, mode) AS account,
    subaccount AS sub,
    i.symbol AS instrument,
    p.quantity,
    p.average_price AS price,
    p.cost,
    currency AS ccy,
    l.lots,
    (l.opened_at AT TIME ZONE 'UTC')::DATE AS opened_on
FROM position AS p
INNER JOIN lot AS l USING (venue, account, mode, subaccount, instrument_id, currency)
INNER JOIN instrument AS i USING (venue, instrument_id)
ORDER BY account, sub, instrument, ccy
