-- Every known fee is in cash once, and on exactly one of: closed lots, open lots. Fees of an option
-- that was exercised move into its underlying, and those of exchanged currencies are on no lot: at
-- IBKR it holds by account. Any row is a fault of the code.
WITH told AS (
    SELECT
        *,
        CASE WHEN venue = 'kalshi' THEN instrument_id ELSE '' END AS part,
        asset_class <> 'CASH' AS on_lots
    FROM fill
),

fees AS (
    SELECT
        venue,
        account,
        mode,
        subaccount,
        part,
        sum(fee) AS by_fills,
        coalesce(sum(fee) FILTER (on_lots), 0) AS due_on_lots,
        -- a fee in another currency than the fill's is on no lot
        count(*) FILTER (fee IS NULL OR (on_lots AND fee <> 0 AND fee_currency <> currency))
            AS pending
    FROM told
    GROUP BY ALL
),

lots AS (
    SELECT
        venue,
        account,
        mode,
        subaccount,
        CASE WHEN venue = 'kalshi' THEN instrument_id ELSE '' END AS part,
        sum(fees) AS by_lots
    FROM (
        SELECT venue, account, mode, subaccount, instrument_id, fees FROM lot_match
        UNION ALL
        SELECT venue, account, mode, subaccount, instrument_id, fees FROM open_lot
    )
    GROUP BY ALL
),

cash AS (
    SELECT
        venue,
        account,
        mode,
        subaccount,
        CASE WHEN venue = 'kalshi' THEN instrument_id ELSE '' END AS part,
        -sum(amount) AS by_cash
    FROM cash_ledger
    WHERE cause = 'fee'
    GROUP BY ALL
)

SELECT *
FROM fees
LEFT JOIN lots USING (venue, account, mode, subaccount, part)
LEFT JOIN cash USING (venue, account, mode, subaccount, part)
WHERE coalesce(by_fills, 0) <> coalesce(by_cash, 0)
    OR (pending = 0 AND due_on_lots <> coalesce(by_lots, 0))
