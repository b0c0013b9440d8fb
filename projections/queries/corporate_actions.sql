-- What did splits, mergers and changes of CUSIP do to which instrument?
-- The rows of one action share action.
SELECT
    concat_ws('/', account, mode) AS account,
    report_date,
    action_type AS type,
    coalesce(symbol, instrument_id) AS symbol,
    quantity,
    proceeds,
    currency AS ccy,
    realized_reported AS realized,
    coalesce(action_id, row_id) AS action
FROM corporate_action
ORDER BY account, report_date, action, quantity, row_id
