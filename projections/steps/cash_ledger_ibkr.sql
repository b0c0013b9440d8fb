-- fill, merged_cash_movement, merged_corporate_action, merged_transfer -> cash_ledger: every effect
-- on cash at IBKR.
-- Rows add: a cancel takes back what its original did, and its re-booking is a row like any other.
--   securities and options   their proceeds as stated, else -quantity * price * multiplier
--   futures                  nothing is paid for them: what a trade made up to the close of its
--                            day, which is netCash without the fee. The socket does not state it,
--                            so an execution that no statement has told yet has no row
--   currencies               the quantity in the first currency of the symbol, the proceeds in the
--                            currency of the row; netCash is 0
-- Fees stand apart, in the currency in which they were charged.
-- A day is that of the statement; before any statement has told a fill, that of its session.
INSERT INTO cash_ledger BY NAME
WITH told AS (
    SELECT
        venue,
        account,
        mode,
        subaccount,
        currency,
        executed_at AS at,
        instrument_id,
        fill_id AS reference,
        coalesce(report_date, statement_day(executed_at, asset_class)) AS report_date,
        position,
        asset_class,
        CASE side WHEN 'buy' THEN quantity ELSE -quantity END AS quantity,
        price,
        multiplier,
        fee,
        coalesce(fee_currency, currency) AS fee_currency,
        proceeds,
        net_cash,
        regexp_extract(symbol, '^([A-Z]{3})(\.[A-Z]{3})?$', 1) AS first_currency
    FROM fill
    WHERE venue = 'ibkr'
),

effect AS (
    SELECT
        *,
        CASE asset_class WHEN 'FUT' THEN 'variation' WHEN 'CASH' THEN 'conversion' ELSE 'fill' END
            AS cause,
        CASE
            WHEN asset_class = 'FUT' THEN net_cash + coalesce(fee, 0)
            ELSE
                coalesce(
                    proceeds, (-quantity::DECIMAL(38, 8) * price * multiplier)::DECIMAL(38, 20)
                )
        END AS amount
    FROM told
    -- one leg of an exchange alone would be wrong
    WHERE asset_class <> 'CASH' OR first_currency <> ''
    UNION ALL BY NAME
    SELECT
        * EXCLUDE (currency),
        first_currency AS currency,
        'conversion' AS cause,
        quantity::DECIMAL(38, 20) AS amount
    FROM told
    WHERE asset_class = 'CASH' AND first_currency <> ''
    UNION ALL BY NAME
    SELECT
        * EXCLUDE (currency),
        fee_currency AS currency,
        'fee' AS cause,
        -fee::DECIMAL(38, 20) AS amount
    FROM told
)

SELECT
    venue,
    account,
    mode,
    subaccount,
    currency,
    "at",
    amount,
    cause,
    instrument_id,
    reference,
    report_date,
    position
FROM effect
WHERE amount <> 0
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    0 AS subaccount,
    currency,
    coalesce(finalized_at, created_at) AS at,
    CASE direction WHEN 'deposit' THEN amount ELSE -amount END AS amount,
    category AS cause,
    instrument_id,
    movement_id AS reference,
    coalesce(report_date, new_york_day(coalesce(finalized_at, created_at))) AS report_date,
    position
FROM merged_cash_movement
WHERE venue = 'ibkr' AND status = 'applied'
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    0 AS subaccount,
    currency,
    happened_at AS at,
    proceeds AS amount,
    'corporate_action' AS cause,
    instrument_id,
    row_id AS reference,
    report_date,
    position
FROM merged_corporate_action
WHERE proceeds <> 0
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    0 AS subaccount,
    currency,
    moved_at AS at,
    cash AS amount,
    'transfer' AS cause,
    instrument_id,
    transfer_id AS reference,
    coalesce(report_date, new_york_day(moved_at)) AS report_date,
    position
FROM merged_transfer
WHERE cash <> 0;
