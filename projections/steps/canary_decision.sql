-- fill, attribution, merged_decision, rule_setting -> canary: fills that nothing explains beside a
-- decision that would, and decisions of a time that had not come.
-- A manual fill shortly before or after a posted decision on the same instrument and side is most
-- likely the bot's own, and its attribution is lost. The nearest decision is named.
-- The clock of a bot may be ahead of the ledger's by five minutes.
INSERT INTO canary BY NAME
WITH decided AS (
    SELECT
        venue,
        account,
        mode,
        instrument_id,
        side,
        decided_at,
        arg_min(struct_pack(decision_id, strategy), decision_id) AS named
    FROM merged_decision
    WHERE outcome = 'posted'
    GROUP BY venue, account, mode, instrument_id, side, decided_at
),

unexplained AS (
    SELECT
        f.venue, f.account, f.mode, f.instrument_id, f.side, f.fill_id, f.executed_at, f.position
    FROM fill AS f
    SEMI JOIN decided AS d
        ON d.venue = f.venue
        AND d.account = f.account
        AND d.mode = f.mode
        AND d.instrument_id = f.instrument_id
        AND d.side = f.side
    INNER JOIN attribution AS a ON a.position = f.position
    WHERE a.rule IN ('manual', 'ambiguous') AND f.booking = 'execution'
),

beside AS (
    SELECT u.*, d.named, epoch_us(u.executed_at) - epoch_us(d.decided_at) AS microseconds
    FROM unexplained AS u
    ASOF JOIN decided AS d
        ON d.venue = u.venue
        AND d.account = u.account
        AND d.mode = u.mode
        AND d.instrument_id = u.instrument_id
        AND d.side = u.side
        AND d.decided_at <= u.executed_at
    UNION ALL
    SELECT u.*, d.named, epoch_us(u.executed_at) - epoch_us(d.decided_at) AS microseconds
    FROM unexplained AS u
    ASOF JOIN decided AS d
        ON d.venue = u.venue
        AND d.account = u.account
        AND d.mode = u.mode
        AND d.instrument_id = u.instrument_id
        AND d.side = u.side
        AND d.decided_at >= u.executed_at
),

nearest AS (
    SELECT *
    FROM beside
    QUALIFY row_number() OVER (
        PARTITION BY position ORDER BY abs(microseconds), named.decision_id
    ) = 1
)

SELECT
    n.venue,
    n.account,
    n.mode,
    'manual_beside_decision' AS rule,
    n.fill_id AS subject,
    NULL AS found,
    NULL AS expected,
    'nothing says whose it is, '
    || number_text(abs(n.microseconds)::DECIMAL(18, 0) * 0.000001::DECIMAL(7, 6)) || ' s '
    || CASE WHEN n.microseconds < 0 THEN 'before' ELSE 'after' END
    || ' the posted decision ' || n.named.decision_id || ' of ' || n.named.strategy
    || ' on ' || n.instrument_id || ', ' || n.side AS detail,
    n.position
FROM nearest AS n
INNER JOIN rule_setting AS s ON abs(n.microseconds) <= s.alarm_window_seconds * 1000000
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    'decision_in_future' AS rule,
    decision_id AS subject,
    NULL AS found,
    NULL AS expected,
    'decided at ' || moment_text(decided_at) || ' by ' || strategy || ', and taken in at '
    || moment_text(received_at) || ' already' AS detail,
    position
FROM merged_decision
WHERE decided_at > received_at + INTERVAL 5 MINUTES;
