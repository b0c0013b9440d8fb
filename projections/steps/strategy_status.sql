-- fill, attribution, strategy_fill, merged_decision, merged_posted_order, daily_pnl,
-- stream_coverage, strategy_named, strategy_exit, rule_setting -> strategy_status: whether a
-- strategy's decisions, orders and fills go together.
-- What nobody was asked about is unknown: a decision is without a fill only where all fills of the
-- account are known from before it until after it, in one stretch. Nor is a strategy without fills
-- while one that may be its own is unattributed.
-- What a broker books itself, such as an expiry, is no fill here.
-- Invariant: fills add up to the executions of the account.
INSERT INTO strategy_status BY NAME
WITH rolled AS (
    SELECT strategy, parent FROM strategy_exit WHERE rolls_up
),

-- the newest stretch of time of which all fills are known, whoever told them
reached AS (
    SELECT
        venue,
        account,
        mode,
        covered_from,
        covered_until,
        max(covered_until) OVER (
            PARTITION BY venue, account, mode
            ORDER BY covered_from, covered_until
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_before
    FROM stream_coverage
    WHERE (venue = 'kalshi' AND stream = 'fills')
        OR (venue = 'ibkr' AND stream IN ('executions', 'flex', 'flex_confirmations'))
),

known AS (
    SELECT
        venue,
        account,
        mode,
        max(covered_from) FILTER (covered_before IS NULL OR covered_from > covered_before)
            AS known_from,
        max(covered_until) AS known_until
    FROM reached
    GROUP BY venue, account, mode
),

taken AS (
    SELECT
        d.venue,
        d.account,
        d.mode,
        coalesce(r.parent, d.strategy) AS strategy,
        d.instrument_id,
        d.side,
        d.outcome = 'posted' AS was_posted,
        d.decided_at
    FROM merged_decision AS d
    LEFT JOIN rolled AS r ON r.strategy = d.strategy
),

decided AS (
    SELECT
        d.venue,
        d.account,
        d.mode,
        d.strategy,
        count(*) AS decisions,
        count(*) FILTER (d.was_posted) AS posted_decisions,
        count(*) FILTER (
            d.was_posted AND (f.last_fill_at IS NULL OR d.decided_at > f.last_fill_at)
        ) AS posted_since_fill,
        count(*) FILTER (
            d.was_posted
            AND d.decided_at > f.last_fill_at
            AND d.decided_at >= k.known_from
            AND d.decided_at < k.known_until
        ) AS unanswered,
        min(d.decided_at) FILTER (d.was_posted) AS first_decision_at,
        max(d.decided_at) FILTER (d.was_posted) AS last_decision_at
    FROM taken AS d
    LEFT JOIN strategy_fill AS f
        ON f.venue = d.venue
        AND f.account = d.account
        AND f.mode = d.mode
        AND f.strategy = d.strategy
    LEFT JOIN known AS k
        ON k.venue = d.venue AND k.account = d.account AND k.mode = d.mode
    GROUP BY d.venue, d.account, d.mode, d.strategy
),

posted AS (
    SELECT
        p.venue,
        p.account,
        p.mode,
        coalesce(r.parent, p.strategy) AS strategy,
        count(*) AS posted_orders
    FROM merged_posted_order AS p
    LEFT JOIN rolled AS r ON r.strategy = p.strategy
    GROUP BY ALL
),

-- strategies without fills beside which something was traded that nothing explains
beside AS (
    SELECT DISTINCT w.venue, w.account, w.mode, w.strategy
    FROM (
        SELECT
            d.venue, d.account, d.mode, d.strategy, d.instrument_id, d.side,
            min(d.decided_at) AS first_decision_at
        FROM taken AS d
        ANTI JOIN strategy_fill AS f
            ON f.venue = d.venue
            AND f.account = d.account
            AND f.mode = d.mode
            AND f.strategy = d.strategy
        WHERE d.was_posted
        GROUP BY ALL
    ) AS w
    INNER JOIN (
        SELECT f.venue, f.account, f.mode, f.instrument_id, f.side, max(f.executed_at) AS last_at
        FROM fill AS f
        INNER JOIN attribution AS a ON a.position = f.position
        SEMI JOIN merged_decision AS d ON d.venue = f.venue AND d.instrument_id = f.instrument_id
        WHERE a.strategy = 'unattributed' AND f.booking = 'execution'
        GROUP BY ALL
    ) AS f
        ON f.venue = w.venue
        AND f.account = w.account
        AND f.mode = w.mode
        AND f.instrument_id = w.instrument_id
        AND f.side = w.side
        AND f.last_at >= w.first_decision_at
),

earned AS (
    SELECT
        venue,
        account,
        mode,
        strategy,
        CASE WHEN min(currency) = max(currency) THEN min(currency) END AS currency,
        CASE
            WHEN min(currency) = max(currency)
                AND bool_and(fee_state = 'complete' AND basis_state = 'known')
                THEN sum(realized_net)
        END AS realized_net
    FROM daily_pnl
    GROUP BY venue, account, mode, strategy
),

named AS (
    SELECT a.venue, a.account, a.mode, coalesce(r.parent, n.strategy) AS strategy
    FROM (
        SELECT venue, account, mode FROM strategy_fill
        UNION
        SELECT venue, account, mode FROM decided
    ) AS a
    CROSS JOIN strategy_named AS n
    LEFT JOIN rolled AS r ON r.strategy = n.strategy
),

every AS (
    SELECT venue, account, mode, strategy FROM strategy_fill
    UNION
    SELECT venue, account, mode, strategy FROM decided
    UNION
    SELECT venue, account, mode, strategy FROM posted
    UNION
    SELECT venue, account, mode, strategy FROM earned
    UNION
    SELECT venue, account, mode, strategy FROM named
)

SELECT
    venue,
    account,
    mode,
    strategy,
    CASE
        WHEN d.unanswered >= s.decisions_without_fill THEN 'fills_stopped'
        WHEN f.fills IS NOT NULL THEN 'flowing'
        WHEN b.strategy IS NULL
            AND d.first_decision_at >= k.known_from
            AND d.last_decision_at < k.known_until
            THEN 'no_fills'
        ELSE 'unknown'
    END AS state,
    coalesce(d.decisions, 0) AS decisions,
    coalesce(d.posted_decisions, 0) AS posted_decisions,
    coalesce(p.posted_orders, 0) AS posted_orders,
    coalesce(f.fills, 0) AS fills,
    coalesce(d.posted_since_fill, 0) AS posted_since_fill,
    d.last_decision_at,
    f.last_fill_at,
    k.known_until,
    e.currency,
    e.realized_net
FROM every
LEFT JOIN strategy_fill AS f USING (venue, account, mode, strategy)
LEFT JOIN decided AS d USING (venue, account, mode, strategy)
LEFT JOIN posted AS p USING (venue, account, mode, strategy)
LEFT JOIN beside AS b USING (venue, account, mode, strategy)
LEFT JOIN earned AS e USING (venue, account, mode, strategy)
LEFT JOIN known AS k USING (venue, account, mode)
CROSS JOIN rule_setting AS s;
