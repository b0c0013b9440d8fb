-- fill, attribution, named_decision, movement, lot, trade_sum -> decision_fill (temporary): the
-- fills of each decision that their attribution names, and the trades that they open and close. One
-- that the broker took back is of no trade.
-- How the decision was found is its strength: 1 to 3 as in `named_decision`, 4 by its time;
-- known_position is that of the fill, or of the last record that led from one to the other.
CREATE TEMP TABLE decision_fill AS
WITH strongest AS (
    SELECT
        a.position,
        a.decision_id,
        coalesce(n.strength, 4) AS strength,
        greatest(a.position, coalesce(n.known_position, list_max(a.evidence_positions)))
            AS known_position
    FROM attribution AS a
    LEFT JOIN named_decision AS n ON n.position = a.position
    WHERE a.decision_id IS NOT NULL
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
    s.known_position,
    p.opened IS NOT NULL AS opens,
    coalesce(p.opened, p.closed) AS trade_sequence,
    h.sequence IS NOT NULL AND p.position IS NULL AS taken_back
FROM strongest AS s
INNER JOIN fill AS f ON f.position = s.position
LEFT JOIN held AS h ON h.position = s.position
LEFT JOIN placed AS p ON p.position = s.position;
