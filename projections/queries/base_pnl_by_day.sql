-- What did each day in New York make in base currency, before and after fees?
-- Lots without a rate, a basis or a fee have no figure: lots_unknown counts those without a net.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    (closed_at AT TIME ZONE 'America/New_York')::DATE AS day,
    base_currency AS base,
    count(*) AS lots,
    sum(realized_gross) AS gross,
    sum(realized_net) AS net,
    count(*) FILTER (realized_net IS NULL) AS lots_unknown
FROM base_pnl
GROUP BY ALL
ORDER BY account, day, base
