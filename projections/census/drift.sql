-- shape_seen, shape_choice -> drift, shape_month: one row for each shape of each kind, and how
-- often it came in each month.
INSERT INTO drift BY NAME
SELECT
    kind,
    shape,
    c.reader,
    c.status,
    c.reason,
    c.nearest,
    c.keys_added,
    c.keys_missing,
    min(s.first_position) AS first_position,
    max(s.last_position) AS last_position,
    sum(s.events)::BIGINT AS events
FROM shape_seen AS s
INNER JOIN shape_choice AS c USING (kind, shape)
GROUP BY ALL;

INSERT INTO shape_month BY NAME
SELECT kind, shape, month, sum(events)::BIGINT AS events
FROM shape_seen
GROUP BY ALL;
