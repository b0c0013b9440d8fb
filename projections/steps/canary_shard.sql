-- merged_balance_snapshot, cash_ledger -> canary: statements of one moment that contradict each
-- other: the whole, its shards, and the list of subaccounts.
-- Cash that moved between the moment and the arrival of the last statement may be in one of them
-- and not in another: nothing is said then. Statements in whole cents may be off by one cent each.
INSERT INTO canary BY NAME
WITH told AS (
    SELECT
        venue,
        account,
        mode,
        currency,
        as_of,
        subaccount,
        told_by = 'balance' AND shard = 'all' AS whole,
        told_by,
        shard,
        cash,
        exact,
        portfolio_value,
        received_at,
        position
    FROM merged_balance_snapshot
),

part AS (
    SELECT
        venue,
        account,
        mode,
        currency,
        as_of,
        subaccount,
        told_by,
        sum(cash) AS cash,
        count(*) AS statements,
        bool_and(exact) AS exact,
        max(received_at) AS received_at,
        max(position) AS position,
        list(portfolio_value ORDER BY shard) FILTER (portfolio_value IS NOT NULL) AS shard_values
    FROM told
    WHERE NOT whole
    GROUP BY ALL
),

pair AS (
    SELECT
        w.venue,
        w.account,
        w.mode,
        w.currency,
        w.as_of,
        w.subaccount,
        p.told_by,
        w.cash,
        p.cash AS parts,
        w.portfolio_value,
        p.shard_values,
        p.statements,
        w.exact AND p.exact AS exact,
        greatest(w.received_at, p.received_at) AS received_at,
        greatest(w.position, p.position) AS position
    FROM told AS w
    INNER JOIN part AS p USING (venue, account, mode, currency, as_of, subaccount)
    WHERE w.whole
    -- a contradiction lasts: the newest statements tell of it
    QUALIFY row_number() OVER (
        PARTITION BY w.venue, w.account, w.mode, w.currency, w.subaccount, p.told_by
        ORDER BY w.as_of DESC
    ) = 1
),

differing AS (
    SELECT *
    FROM pair
    WHERE CASE WHEN exact THEN cash <> parts ELSE abs(cash - parts) >= 0.01 * statements END
),

disturbed AS (
    SELECT DISTINCT d.position, d.told_by
    FROM differing AS d
    INNER JOIN cash_ledger AS c
        ON c.venue = d.venue
        AND c.account = d.account
        AND c.mode = d.mode
        AND c.currency = d.currency
        AND c."at" > d.as_of
        AND c."at" <= d.received_at
)

SELECT
    venue,
    account,
    mode,
    CASE told_by WHEN 'balance' THEN 'balance_parts' ELSE 'subaccount_balance_differs' END AS rule,
    'subaccount ' || subaccount AS subject,
    cash AS found,
    parts AS expected,
    CASE told_by
        WHEN 'balance' THEN 'the balance, and the sum of its shards'
        ELSE 'the balance, and what the list of subaccounts says'
    END AS detail,
    position
FROM differing
ANTI JOIN disturbed USING (position, told_by)
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    'portfolio_value_scoped' AS rule,
    'subaccount ' || subaccount AS subject,
    portfolio_value AS found,
    list_sum(shard_values) AS expected,
    'the portfolio value of all shards is that of one' AS detail,
    position
FROM pair
WHERE told_by = 'balance'
    AND len(shard_values) = statements
    AND list_contains(shard_values, portfolio_value)
    AND list_sum(shard_values) <> portfolio_value;
