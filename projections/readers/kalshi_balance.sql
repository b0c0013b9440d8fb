-- kalshi.balance -> balance_snapshot.
-- balance is whole cents; from generation 4 balance_dollars says the same exactly. Of which
-- subaccount and shard it speaks stands in the request: the primary one and all where unnamed.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    as_of,
    coalesce(asked.subaccount, '0') AS subaccount,
    coalesce(asked.exchange_index, 'all') AS shard,
    'balance' AS told_by,
    coalesce(p.balance_dollars, dollars_of_cents(p.balance)) AS cash,
    p.balance_dollars IS NOT NULL AS exact,
    dollars_of_cents(p.portfolio_value) AS portfolio_value,
    'USD' AS currency,
    received_at,
    CASE
        WHEN compared(coalesce(p.balance_dollars, dollars_of_cents(p.balance))) IS NULL
            OR (p.portfolio_value IS NOT NULL AND compared(p.portfolio_value) IS NULL)
            THEN 'balance ' || p.balance || ' or portfolio_value '
                || coalesce(p.portfolio_value, '') || ' is beyond measure'
        WHEN abs(compared(p.balance_dollars) - compared(dollars_of_cents(p.balance))) >= 0.01
            THEN 'balance ' || p.balance || ' cents with balance_dollars ' || p.balance_dollars
    END AS contradiction
FROM decoded
