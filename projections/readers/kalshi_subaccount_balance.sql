-- kalshi.subaccount_balance -> balance_snapshot.
-- balance has had two meanings under one name: whole hundredths of a cent until 26 January 2026
-- (2-early), dollars from then on. From generation 5 on there is a row for each shard.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    as_of,
    p.subaccount_number AS subaccount,
    coalesce(p.exchange_index, 'all') AS shard,
    'subaccount_balance' AS told_by,
    CASE WHEN reader = '2-early' THEN dollars_of_centicents(p.balance) ELSE p.balance END AS cash,
    true AS exact,
    NULL AS portfolio_value,
    'USD' AS currency,
    received_at,
    CASE
        -- dollars are always told with places; without any it may be the older unit
        WHEN reader <> '2-early' AND NOT contains(p.balance, '.')
            THEN 'balance ' || p.balance || ': dollars, or hundredths of a cent'
        WHEN compared(p.balance) IS NULL THEN 'balance ' || p.balance || ' is beyond measure'
    END AS contradiction
FROM decoded
