-- How much cash should there be, and how much did the broker last say there was?
-- difference = broker - expected at the moment of the broker's statement, all subaccounts that it
-- told of together. It is empty where the broker has stated none. fills_pending are fills whose fee
-- is not in `expected` yet.
WITH ledger AS (
    SELECT venue, account, mode, currency, sum(amount) AS expected
    FROM cash_ledger
    GROUP BY ALL
),

told AS (
    SELECT venue, account, mode, currency, as_of, sum(cash) AS cash
    FROM balance_snapshot
    WHERE told_by = 'balance' AND shard = 'all'
    GROUP BY ALL
),

stated AS (
    SELECT
        venue,
        account,
        mode,
        currency,
        max(as_of) AS as_of,
        arg_max(cash, as_of) AS broker
    FROM told
    GROUP BY ALL
),

then_expected AS (
    SELECT
        s.venue,
        s.account,
        s.mode,
        s.currency,
        coalesce(sum(c.amount), 0) AS expected_then
    FROM stated AS s
    LEFT JOIN cash_ledger AS c
        ON (c.venue, c.account, c.mode, c.currency) = (s.venue, s.account, s.mode, s.currency)
        AND c."at" <= s.as_of
    GROUP BY ALL
),

pending AS (
    SELECT venue, account, mode, currency, count(*) AS fills_pending
    FROM fill
    WHERE fee_state = 'pending'
    GROUP BY ALL
)

SELECT
    concat_ws('/', venue, account, mode) AS account,
    currency AS ccy,
    coalesce(l.expected, 0) AS expected,
    coalesce(p.fills_pending, 0) AS fills_pending,
    t.expected_then,
    s.broker,
    s.broker - t.expected_then AS difference,
    date_trunc('second', s.as_of) AS as_of
FROM ledger AS l
FULL OUTER JOIN stated AS s USING (venue, account, mode, currency)
LEFT JOIN then_expected AS t USING (venue, account, mode, currency)
LEFT JOIN pending AS p USING (venue, account, mode, currency)
ORDER BY account, ccy
