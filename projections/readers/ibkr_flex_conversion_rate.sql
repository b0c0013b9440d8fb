-- ibkr.flex.conversion_rate -> fx_rate.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    ibkr_day(p.reportDate) AS day,
    p.fromCurrency AS from_currency,
    p.toCurrency AS to_currency,
    ibkr_number(p.rate) AS rate,
    ibkr_excess(NULL, NULL, NULL, [], ibkr_number(p.rate)) AS contradiction
FROM decoded
