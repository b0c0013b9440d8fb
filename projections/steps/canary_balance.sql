-- merged_balance_snapshot, cash_ledger, fill, settlement, merged_cash_movement, stream_coverage ->
-- canary: a balance that moved otherwise than the cash ledger.
-- The statements of all subaccounts at one moment are one statement of the account; transfers
-- between subaccounts cancel out in it. It is compared with the statement before: what came between
-- must be what the cash ledger has between them. Whole cents may be off by one a subaccount.
-- Rather silent than wrong. A statement is left out where cash moved between its moment and its
-- arrival: that may be in it or not. Two statements are not compared
--   unless fills, settlements, deposits and withdrawals all cover the time from the first moment to
--     the arrival of the second, each in one stretch, the fills from their first row on (1970): a
--     fill may redeem what any earlier one bought;
--   if a fill between them has a fee that was not stated for itself, or a market between them
--     settled whose fills are not complete, or a withdrawal was asked for or done;
--   if cash moved in a subaccount that they do not tell of.
-- Each statement is compared with one before it: one cause, one row.
INSERT INTO canary BY NAME
WITH telling AS (
    SELECT
        venue,
        account,
        mode,
        currency,
        as_of,
        sum(cash) AS cash,
        bool_and(exact) AS exact,
        list(subaccount ORDER BY subaccount) AS subaccounts,
        greatest(as_of, max(received_at)) AS received_at,
        max(position) AS position
    FROM merged_balance_snapshot
    WHERE told_by = 'balance' AND shard = 'all'
    GROUP BY venue, account, mode, currency, as_of
),

moment AS (
    SELECT venue, account, mode, currency, as_of AS moment FROM telling
    UNION
    SELECT venue, account, mode, currency, received_at FROM telling
),

-- what moves cash, and what moves it by an unknown amount
entry AS (
    SELECT venue, account, mode, currency, "at", amount, 1 AS moved, 0 AS unclear
    FROM cash_ledger
    UNION ALL
    SELECT venue, account, mode, currency, executed_at, 0, 0, 1
    FROM fill
    WHERE fee_state <> 'stated'
    UNION ALL
    SELECT venue, account, mode, currency, settled_at, 0, 0, 1
    FROM settlement
    WHERE fills_state <> 'complete'
        AND (yes_quantity > 0 OR no_quantity > 0 OR revenue_reported <> 0)
    UNION ALL
    -- whether a withdrawal leaves the balance when it is asked for or when it is done is not known
    SELECT venue, account, mode, currency, unnest([created_at, finalized_at]), 0, 0, 1
    FROM merged_cash_movement
    WHERE direction = 'withdrawal' AND created_at IS DISTINCT FROM finalized_at
),

-- entries belong to the first moment that is not before them
bucket AS (
    SELECT
        m.venue,
        m.account,
        m.mode,
        m.currency,
        m.moment,
        sum(e.amount) AS amount,
        sum(e.moved) AS moved,
        sum(e.unclear) AS unclear
    FROM (
        SELECT * FROM entry SEMI JOIN telling USING (venue, account, mode, currency)
    ) AS e
    ASOF JOIN moment AS m
        ON m.venue = e.venue
        AND m.account = e.account
        AND m.mode = e.mode
        AND m.currency = e.currency
        AND m.moment >= e."at"
    GROUP BY m.venue, m.account, m.mode, m.currency, m.moment
),

-- the cash ledger up to each moment
up_to AS (
    SELECT
        venue,
        account,
        mode,
        currency,
        moment,
        coalesce(sum(b.amount) OVER earlier, 0) AS amount,
        coalesce(sum(b.moved) OVER earlier, 0) AS moved,
        coalesce(sum(b.unclear) OVER earlier, 0) AS unclear
    FROM moment
    LEFT JOIN bucket AS b USING (venue, account, mode, currency, moment)
    WINDOW earlier AS (
        PARTITION BY venue, account, mode, currency ORDER BY moment ROWS UNBOUNDED PRECEDING
    )
),

known_subaccount AS (
    SELECT venue, account, mode, subaccount, min("at") AS first_at
    FROM cash_ledger
    SEMI JOIN telling USING (venue, account, mode)
    GROUP BY ALL
),

clear AS (
    SELECT
        s.*,
        a.amount AS ledger,
        a.unclear
    FROM telling AS s
    INNER JOIN up_to AS a
        ON (a.venue, a.account, a.mode, a.currency) = (s.venue, s.account, s.mode, s.currency)
        AND a.moment = s.as_of
    INNER JOIN up_to AS r
        ON (r.venue, r.account, r.mode, r.currency) = (s.venue, s.account, s.mode, s.currency)
        AND r.moment = s.received_at
    WHERE a.moved = r.moved
        AND a.unclear = r.unclear
        AND NOT EXISTS (
            SELECT 1
            FROM known_subaccount AS k
            WHERE k.venue = s.venue
                AND k.account = s.account
                AND k.mode = s.mode
                AND k.first_at <= s.as_of
                AND NOT list_contains(s.subaccounts, k.subaccount)
        )
),

compared AS (
    SELECT
        *,
        lag(as_of) OVER before AS as_of_before,
        lag(cash) OVER before + ledger - lag(ledger) OVER before AS expected,
        unclear - lag(unclear) OVER before AS unclear_between,
        exact AND lag(exact) OVER before AS exactly
    FROM clear
    -- statements of other subaccounts are another story
    WINDOW before AS (
        PARTITION BY venue, account, mode, currency, subaccounts ORDER BY as_of
    )
),

covered AS (
    SELECT c.position
    FROM compared AS c
    INNER JOIN stream_coverage AS s
        ON s.venue = c.venue
        AND s.account = c.account
        AND s.mode = c.mode
        AND s.covered_from <= c.as_of_before
        AND s.covered_until >= c.received_at
    WHERE s.stream IN ('settlements', 'deposits', 'withdrawals')
        OR (s.stream = 'fills' AND s.covered_from <= TIMESTAMPTZ '1970-01-01 00:00:00+00')
    GROUP BY c.position
    HAVING count(*) = 4
)

SELECT
    venue,
    account,
    mode,
    'balance_unexplained' AS rule,
    moment_text(as_of) AS subject,
    cash AS found,
    expected,
    'since ' || moment_text(as_of_before) || ' the cash ledger says otherwise' AS detail,
    position
FROM compared
SEMI JOIN covered USING (position)
WHERE unclear_between = 0
    AND CASE
        WHEN exactly THEN cash <> expected
        ELSE abs(cash - expected) >= 0.01 * len(subaccounts)
    END;
