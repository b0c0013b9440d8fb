-- Where did cash come from, and where did it go?
SELECT
    concat_ws('/', venue, account, mode) AS account,
    currency AS ccy,
    cause,
    count(*) AS entries,
    sum(amount) AS amount,
    (min("at") AT TIME ZONE 'UTC')::DATE AS first_on,
    (max("at") AT TIME ZONE 'UTC')::DATE AS last_on
FROM cash_ledger
GROUP BY ALL
ORDER BY account, ccy, cause
