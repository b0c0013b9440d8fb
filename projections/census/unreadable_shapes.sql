-- chunk, shape_choice -> unreadable: the events whose shape no reader takes.
INSERT INTO unreadable BY NAME
SELECT
    e.position,
    e.kind,
    e.key,
    nullif(e.shape, '') AS shape,
    NULL AS reader,
    c.reason,
    c.keys_missing AS column_name,
    concat_ws('; ', 'nearest reader ' || c.nearest, 'new ' || c.keys_added) AS offending
FROM chunk AS e
INNER JOIN shape_choice AS c USING (kind, shape)
WHERE c.status = 'unknown';
