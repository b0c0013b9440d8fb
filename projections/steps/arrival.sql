-- movement, interval, holding -> arrival (temporary): movements of a corporate action that carry
-- lots on, each with the movement whose lots they are, and the round trip that goes on.
-- A split right after a merger carries on what was carried on: the round trip is that of the first.
CREATE TEMP TABLE arrival AS
WITH RECURSIVE link AS (
    SELECT
        a.sequence,
        d.sequence AS source_sequence,
        i.closed_to - i.closed_from AS source_units,
        n.opened_to - n.opened_from AS units,
        i.trade_sequence
    FROM movement AS a
    INNER JOIN holding AS ah USING (holding_id)
    INNER JOIN interval AS n ON n.sequence = a.sequence
    -- what came before it went has nothing to carry on
    INNER JOIN movement AS d
        ON d.id = a.carried_from AND d.rank = 2 AND d.sequence < a.sequence
    INNER JOIN holding AS dh
        ON dh.holding_id = d.holding_id
        AND (dh.venue, dh.account, dh.mode) = (ah.venue, ah.account, ah.mode)
    INNER JOIN interval AS i ON i.sequence = d.sequence
    WHERE a.rank = 3 AND a.carried_from IS NOT NULL
        -- what only closes something else opens nothing
        AND n.opened_to > n.opened_from AND i.closed_to > i.closed_from
),

root AS (
    SELECT sequence, trade_sequence FROM link
    UNION ALL
    SELECT r.sequence, l.trade_sequence
    FROM root AS r
    INNER JOIN link AS l ON l.sequence = r.trade_sequence
)

SELECT l.* EXCLUDE (trade_sequence), min(r.trade_sequence) AS trade_sequence
FROM link AS l
INNER JOIN root AS r USING (sequence)
GROUP BY ALL;
