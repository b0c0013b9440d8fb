-- fill -> holding (temporary): one dense number for each instrument in a subaccount.
CREATE TEMP TABLE holding AS
SELECT
    row_number() OVER (
        ORDER BY venue, account, mode, subaccount, instrument_id
    )::INTEGER AS holding_id,
    venue,
    account,
    mode,
    subaccount,
    instrument_id
FROM (SELECT DISTINCT venue, account, mode, subaccount, instrument_id FROM fill);
