-- fill, cancelled_fill, quantity_change, opening -> holding (temporary): one dense number for each
-- instrument in a subaccount, and for each execution that was taken back (`cancelled`, else '').
CREATE TEMP TABLE holding AS
WITH held AS (
    SELECT venue, account, mode, subaccount, instrument_id, '' AS cancelled
    FROM fill
    WHERE asset_class <> 'CASH'
    UNION
    SELECT venue, account, mode, subaccount, instrument_id, '' FROM quantity_change
    UNION
    SELECT venue, account, mode, subaccount, instrument_id, '' FROM opening
    UNION
    SELECT f.venue, f.account, f.mode, f.subaccount, f.instrument_id, c.cancelled
    FROM fill AS f
    INNER JOIN cancelled_fill AS c USING (venue, account, mode, fill_id)
)

SELECT
    row_number() OVER (
        ORDER BY venue, account, mode, subaccount, instrument_id, cancelled
    )::INTEGER AS holding_id,
    *
FROM held;
