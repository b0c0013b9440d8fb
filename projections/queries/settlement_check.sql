-- Which settlements does the ledger not agree with, or could not check?
-- differs = reported - computed; it is empty where no fills of the market are known.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    revenue_state AS state,
    fills_state AS fills,
    instrument_id,
    result,
    revenue_reported AS reported,
    revenue_computed AS computed,
    revenue_reported - revenue_computed AS differs,
    (settled_at AT TIME ZONE 'UTC')::DATE AS settled_on
FROM settlement
WHERE revenue_state NOT IN ('agrees', 'netted')
ORDER BY account, state, settlement.settled_at, instrument_id
