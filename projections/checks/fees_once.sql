-- Every known fee is on exactly one of: closed lots, open lots; and in cash once.
-- Any row is a fault of the code.
WITH fees AS (
    SELECT venue, account, mode, subaccount, instrument_id, sum(fee) AS by_fills,
        count(*) FILTER (fee IS NULL) AS pending
    FROM fill
    GROUP BY ALL
),

lots AS (
    SELECT venue, account, mode, subaccount, instrument_id, sum(fees) AS by_lots
    FROM (
        SELECT venue, account, mode, subaccount, instrument_id, fees FROM lot_match
        UNION ALL
        SELECT venue, account, mode, subaccount, instrument_id, fees FROM open_lot
    )
    GROUP BY ALL
),

cash AS (
    SELECT venue, account, mode, subaccount, instrument_id, -sum(amount) AS by_cash
    FROM cash_ledger
    WHERE cause = 'fee'
    GROUP BY ALL
)

SELECT *
FROM fees
LEFT JOIN lots USING (venue, account, mode, subaccount, instrument_id)
LEFT JOIN cash USING (venue, account, mode, subaccount, instrument_id)
WHERE coalesce(by_fills, 0) <> coalesce(by_cash, 0)
    OR (pending = 0 AND by_fills IS DISTINCT FROM by_lots)
