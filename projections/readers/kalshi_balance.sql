-- kalshi.balance -> balance_snapshot.
-- balance is whole cents; from generation 4 balance_dollars says the same exactly.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    as_of,
    coalesce(p.balance_dollars, dollars_of_cents(p.balance)) AS cash,
    dollars_of_cents(p.portfolio_value) AS portfolio_value,
    'USD' AS currency,
    CASE
        WHEN abs(compared(p.balance_dollars) - compared(dollars_of_cents(p.balance))) >= 0.01
            THEN 'balance ' || p.balance || ' cents with balance_dollars ' || p.balance_dollars
    END AS contradiction
FROM decoded
