-- ibkr.flex.cash_transaction -> cash_movement.
-- A reversal is a row of the other sign, so the sign says the direction whatever the type. A type
-- that nobody knows passes through as its category, and so makes the row unreadable.
WITH told AS (SELECT *, ibkr_number(p.amount) AS signed FROM decoded)

SELECT
    position,
    generation,
    venue,
    account,
    mode,
    coalesce(ibkr_id(p.transactionID), ibkr_identity(key)) AS movement_id,
    CASE WHEN starts_with(signed, '-') THEN 'withdrawal' ELSE 'deposit' END AS direction,
    CASE p.type
        WHEN 'Dividends' THEN 'dividend'
        WHEN 'Payment In Lieu Of Dividends' THEN 'payment_in_lieu'
        WHEN 'Withholding Tax' THEN 'withholding_tax'
        WHEN '871(m) Withholding' THEN 'withholding_tax'
        WHEN 'Broker Interest Paid' THEN 'interest'
        WHEN 'Broker Interest Received' THEN 'interest'
        WHEN 'Bond Interest Paid' THEN 'bond_interest'
        WHEN 'Bond Interest Received' THEN 'bond_interest'
        WHEN 'Other Fees' THEN 'other_fee'
        WHEN 'Commission Adjustments' THEN 'commission_adjustment'
        WHEN 'Advisor Fees' THEN 'advisor_fee'
        WHEN 'Other Income' THEN 'other_income'
        ELSE CASE
            WHEN p.type NOT IN ('Deposits/Withdrawals', 'Deposits & Withdrawals')
                -- a type that has the name of a category is none of IBKR's either
                THEN 'type ' || p.type
            WHEN starts_with(signed, '-') THEN 'withdrawal'
            ELSE 'deposit'
        END
    END AS category,
    ibkr_id(p.conid) AS instrument_id,
    ibkr_id(p.actionID) AS action_id,
    ibkr_stated(p.description) AS description,
    ibkr_number(p.fxRateToBase) AS rate_to_base,
    ibkr_day(p.reportDate) AS report_date,
    ibkr_size(signed) AS amount,
    '0' AS fee,
    p.currency AS currency,
    'applied' AS status,
    ibkr_time(
        coalesce(ibkr_stated(p.dateTime), ibkr_stated(p.reportDate), ibkr_stated(p.settleDate))
    ) AS created_at,
    CASE
        WHEN ibkr_stated(p.levelOfDetail) <> 'DETAIL'
            THEN 'level of detail ' || p.levelOfDetail || ' is not read'
        ELSE ibkr_excess(NULL, NULL, NULL, [p.amount], ibkr_number(p.fxRateToBase))
    END AS contradiction
FROM told
