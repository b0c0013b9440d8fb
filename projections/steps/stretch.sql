-- segment, carried_lot, interval, arrival -> stretch (temporary): every lot, with the part of its
-- opening and of its closing that it is.
-- What an action takes out and carries on is no lot of its own, unless cash came with it.
--   open_from, open_to    part of the opening movement, in units of 1e-8 contracts as counted then
--   close_from, close_to  part of the closing movement
CREATE TEMP TABLE stretch AS
SELECT
    s.holding_id,
    s.open_sequence,
    s.close_sequence,
    s.units,
    s.axis_to - s.units - o.opened_from + (o.closed_to - o.closed_from) AS open_from,
    s.axis_to - o.opened_from + (o.closed_to - o.closed_from) AS open_to,
    s.axis_to - s.units - c.closed_from AS close_from,
    s.axis_to - c.closed_from AS close_to
FROM segment AS s
INNER JOIN interval AS o ON o.sequence = s.open_sequence
LEFT JOIN interval AS c ON c.sequence = s.close_sequence
ANTI JOIN arrival AS a ON a.sequence = s.open_sequence
UNION ALL
SELECT
    l.holding_id,
    l.open_sequence,
    l.close_sequence,
    l.units,
    l.from_units + (o.closed_to - o.closed_from),
    l.to_units + (o.closed_to - o.closed_from),
    l.axis_from - c.closed_from,
    l.axis_from + l.units - c.closed_from
FROM carried_lot AS l
INNER JOIN interval AS o ON o.sequence = l.open_sequence
LEFT JOIN interval AS c ON c.sequence = l.close_sequence;
