-- segment, interval, arrival -> carried_lot (temporary): lots that were opened before a corporate
-- action, as stretches of what opened them.
-- What an action took out (H units) lies end to end beside what it put in (N units): the point x of
-- the one is the point x * N / H of the other, rounded up to a unit. Of a lot that was carried on,
-- the part up to some unit has the like part of its opening, rounded down. Both cuts are monotone,
-- so the stretches of every lot are passed on without gap or overlap, through as many actions as
-- there are.
--   from_units, to_units   the stretch of the first opening, whose price and fees it has
--   units                  how many units it is now
CREATE TEMP TABLE carried_lot AS
WITH RECURSIVE opened AS (
    -- what became of what each action put in
    SELECT
        a.sequence,
        s.holding_id,
        s.close_sequence,
        s.axis_to - s.units AS axis_from,
        (s.axis_to - s.units - i.opened_from)::HUGEINT AS part_from,
        (s.axis_to - i.opened_from)::HUGEINT AS part_to,
        n.sequence AS next_sequence,
        (s.axis_to - s.units - c.closed_from)::HUGEINT AS taken_from,
        n.units::HUGEINT AS next_units,
        n.source_units::HUGEINT AS taken_units
    FROM arrival AS a
    INNER JOIN segment AS s ON s.open_sequence = a.sequence
    INNER JOIN interval AS i ON i.sequence = a.sequence
    LEFT JOIN interval AS c ON c.sequence = s.close_sequence
    LEFT JOIN arrival AS n ON n.source_sequence = s.close_sequence
),

-- a lot as it was put in: a stretch of what the action put in, and one of its first opening
copy AS (
    SELECT
        a.sequence,
        s.open_sequence,
        ceiling_of((s.axis_to - s.units - c.closed_from)::HUGEINT * a.units, a.source_units)
            AS copy_from,
        ceiling_of((s.axis_to - c.closed_from)::HUGEINT * a.units, a.source_units) AS copy_to,
        (s.axis_to - s.units - o.opened_from)::HUGEINT AS from_units,
        (s.axis_to - o.opened_from)::HUGEINT AS to_units
    FROM arrival AS a
    INNER JOIN segment AS s ON s.close_sequence = a.source_sequence
    INNER JOIN interval AS c ON c.sequence = a.source_sequence
    INNER JOIN interval AS o ON o.sequence = s.open_sequence
    ANTI JOIN arrival AS again ON again.sequence = s.open_sequence
    UNION ALL
    SELECT
        p.next_sequence,
        p.open_sequence,
        ceiling_of((p.taken_from + p.now_from - p.part_from) * p.next_units, p.taken_units),
        ceiling_of((p.taken_from + p.now_to - p.part_from) * p.next_units, p.taken_units),
        p.from_units + (p.now_from - p.copy_from) * p.size // (p.copy_to - p.copy_from),
        p.from_units + (p.now_to - p.copy_from) * p.size // (p.copy_to - p.copy_from)
    FROM (
        SELECT
            l.*,
            o.* EXCLUDE (sequence),
            greatest(l.copy_from, o.part_from) AS now_from,
            least(l.copy_to, o.part_to) AS now_to,
            l.to_units - l.from_units AS size
        FROM copy AS l
        INNER JOIN opened AS o USING (sequence)
    ) AS p
    WHERE p.now_from < p.now_to AND p.next_sequence IS NOT NULL
)

SELECT
    p.holding_id,
    p.open_sequence,
    p.close_sequence,
    (p.now_to - p.now_from)::BIGINT AS units,
    (p.axis_from + p.now_from - p.part_from)::BIGINT AS axis_from,
    (p.from_units + (p.now_from - p.copy_from) * p.size // (p.copy_to - p.copy_from))::BIGINT
        AS from_units,
    (p.from_units + (p.now_to - p.copy_from) * p.size // (p.copy_to - p.copy_from))::BIGINT
        AS to_units
FROM (
    SELECT
        l.*,
        o.* EXCLUDE (sequence),
        greatest(l.copy_from, o.part_from) AS now_from,
        least(l.copy_to, o.part_to) AS now_to,
        l.to_units - l.from_units AS size
    FROM copy AS l
    INNER JOIN opened AS o USING (sequence)
) AS p
WHERE p.now_from < p.now_to;
