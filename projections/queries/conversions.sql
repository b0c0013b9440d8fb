-- Which currencies were exchanged, for how much, and at what fee?
SELECT
    concat_ws('/', account, mode) AS account,
    coalesce(report_date, (executed_at AT TIME ZONE 'America/New_York')::DATE) AS day,
    coalesce(symbol, instrument_id) AS symbol,
    CASE side WHEN 'buy' THEN quantity ELSE -quantity END AS quantity,
    price,
    proceeds,
    currency AS ccy,
    fee,
    fee_currency AS fee_ccy
FROM fill
WHERE asset_class = 'CASH'
ORDER BY account, day, executed_at, fill_id
