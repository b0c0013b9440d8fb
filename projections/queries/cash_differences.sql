-- Why does the cash of a statement not follow from its rows?
SELECT
    concat_ws('/', account, mode) AS account,
    currency AS ccy,
    to_date,
    difference,
    state,
    reason
FROM cash_comparison
WHERE state <> 'agrees'
ORDER BY account, to_date, from_date, ccy
