-- strategy_status, merged_decision, strategy_exit, merged_posted_order, fill, attribution,
-- rule_setting -> canary: records that go on while what belongs to them has stopped.
-- Whether a strategy's fills have stopped is told by `strategy_status`. The recording of orders has
-- where a bot's orders are filled after the last one that was recorded. A bot's is what has a
-- prefix of the rules or a decision to go with it; who trades by hand records nothing.
-- An order cannot have been posted after it was taken in.
INSERT INTO canary BY NAME
WITH unanswered AS (
    SELECT
        s.venue,
        s.account,
        s.mode,
        s.strategy,
        s.last_fill_at,
        s.known_until,
        count(*) AS decisions,
        arg_max(d.position, (d.decided_at, d.position)) AS position
    FROM strategy_status AS s
    INNER JOIN (
        SELECT d.*, coalesce(e.parent, d.strategy) AS rolled
        FROM merged_decision AS d
        LEFT JOIN strategy_exit AS e ON e.strategy = d.strategy AND e.rolls_up
        WHERE d.outcome = 'posted'
    ) AS d
        ON d.venue = s.venue
        AND d.account = s.account
        AND d.mode = s.mode
        AND d.rolled = s.strategy
        AND d.decided_at > s.last_fill_at
        AND d.decided_at < s.known_until
    WHERE s.state = 'fills_stopped'
    GROUP BY s.venue, s.account, s.mode, s.strategy, s.last_fill_at, s.known_until
),

recorded AS (
    SELECT venue, account, mode, max(least(posted_at, received_at)) AS last_posted_at
    FROM merged_posted_order
    GROUP BY venue, account, mode
),

unrecorded AS (
    SELECT
        f.venue,
        f.account,
        f.mode,
        r.last_posted_at,
        f.position,
        coalesce('order ' || f.order_id, 'fill ' || f.fill_id) AS whole
    FROM recorded AS r
    INNER JOIN fill AS f
        ON f.venue = r.venue
        AND f.account = r.account
        AND f.mode = r.mode
        AND f.executed_at > r.last_posted_at
    INNER JOIN attribution AS a ON a.position = f.position
    LEFT JOIN canary AS c
        ON c.position = f.position AND c.rule = 'manual_beside_decision'
    ANTI JOIN merged_posted_order AS p
        ON p.venue = f.venue
        AND p.account = f.account
        AND p.mode = f.mode
        AND p.order_id = f.order_id
    ANTI JOIN merged_posted_order AS q
        ON q.venue = f.venue
        AND q.account = f.account
        AND q.mode = f.mode
        AND q.client_order_id = a.client_order_id
    WHERE f.booking = 'execution'
        AND (a.rule IN ('prefix', 'recorded', 'decision', 'ambiguous') OR c.position IS NOT NULL)
)

SELECT
    venue,
    account,
    mode,
    'fills_stopped' AS rule,
    strategy AS subject,
    NULL AS found,
    NULL AS expected,
    decisions || ' posted decisions since its last fill at ' || moment_text(last_fill_at)
    || '; all fills are known up to ' || moment_text(known_until) AS detail,
    position
FROM unanswered
UNION ALL BY NAME
SELECT
    u.venue,
    u.account,
    u.mode,
    'posted_orders_stopped' AS rule,
    u.venue AS subject,
    NULL AS found,
    NULL AS expected,
    count(DISTINCT u.whole) || ' orders of bots were filled since ' || moment_text(u.last_posted_at)
    || ', when one was recorded last' AS detail,
    min(u.position) AS position
FROM unrecorded AS u
CROSS JOIN rule_setting AS s
GROUP BY u.venue, u.account, u.mode, u.last_posted_at, s.fills_without_posted_order
HAVING count(DISTINCT u.whole) >= s.fills_without_posted_order;
