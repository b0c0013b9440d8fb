-- merged_decision, fill, attribution, posted_fill, movement, lot, trade_sum -> decision_fill
-- (temporary): the fills of each posted decision, of its instrument and side, and the trades that
-- they open and close. One that the broker took back is of no trade.
-- A fill is that of the decision that tells its order; else of the one that tells its
-- client_order_id; else of the one that its posted order tells; else of the one that its
-- attribution rests on. An id that several decisions tell leads to none of them: that is never
-- guessed.
CREATE TEMP TABLE decision_fill AS
WITH posted AS (
    SELECT * FROM merged_decision WHERE outcome = 'posted'
),

by_order AS (
    SELECT venue, account, mode, order_id, instrument_id, side, min(decision_id) AS decision_id
    FROM posted
    WHERE order_id IS NOT NULL
    GROUP BY ALL
    HAVING count(*) = 1
),

by_client AS (
    SELECT
        venue, account, mode, client_order_id, instrument_id, side,
        min(decision_id) AS decision_id
    FROM posted
    WHERE client_order_id IS NOT NULL
    GROUP BY ALL
    HAVING count(*) = 1
),

named AS (
    SELECT f.position, 1 AS strength, d.decision_id
    FROM by_order AS d
    INNER JOIN fill AS f
        ON f.venue = d.venue AND f.account = d.account AND f.mode = d.mode
        AND f.order_id = d.order_id
    WHERE f.instrument_id = d.instrument_id AND f.side = d.side
    UNION ALL
    SELECT f.position, 2, d.decision_id
    FROM by_client AS d
    INNER JOIN attribution AS a
        ON a.venue = d.venue AND a.account = d.account AND a.mode = d.mode
        AND a.client_order_id = d.client_order_id
    INNER JOIN fill AS f ON f.position = a.position
    WHERE f.instrument_id = d.instrument_id AND f.side = d.side
    UNION ALL
    SELECT position, 3, decision_id FROM posted_fill WHERE decision_id IS NOT NULL
    UNION ALL
    SELECT position, 4, decision_id FROM attribution WHERE decision_id IS NOT NULL
),

strongest AS (
    SELECT
        position,
        min(strength) AS strength,
        arg_min(decision_id, (strength, decision_id)) AS decision_id
    FROM named
    GROUP BY position
),

held AS (
    SELECT s.position, m.sequence
    FROM strongest AS s
    INNER JOIN movement AS m ON m.position = s.position AND m.rank = 0
),

touched AS (
    SELECT h.position, l.trade_sequence AS opened, NULL AS closed
    FROM held AS h
    INNER JOIN lot AS l ON l.open_sequence = h.sequence
    UNION ALL
    SELECT h.position, NULL, l.trade_sequence
    FROM held AS h
    INNER JOIN lot AS l ON l.close_sequence = h.sequence
),

placed AS (
    SELECT u.position, min(u.opened) AS opened, min(u.closed) AS closed
    FROM touched AS u
    INNER JOIN trade_sum AS t ON t.trade_sequence = coalesce(u.opened, u.closed)
    GROUP BY u.position
)

SELECT
    f.venue,
    f.account,
    f.mode,
    s.decision_id,
    f.fill_id,
    f.order_id,
    f.quantity,
    f.executed_at,
    s.position,
    s.strength,
    p.opened IS NOT NULL AS opens,
    coalesce(p.opened, p.closed) AS trade_sequence,
    h.sequence IS NOT NULL AND p.position IS NULL AS taken_back
FROM strongest AS s
INNER JOIN fill AS f ON f.position = s.position
LEFT JOIN held AS h ON h.position = s.position
LEFT JOIN placed AS p ON p.position = s.position;
