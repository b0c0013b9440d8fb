-- Which shapes of payload are in the log, and which of them carry something new?
-- first is the log position of the first event of the shape.
SELECT
    status,
    kind,
    reader,
    events,
    first_position AS first,
    reason,
    nearest,
    keys_added,
    keys_missing,
    shape
FROM drift
ORDER BY
    CASE status WHEN 'unknown' THEN 0 WHEN 'additive' THEN 1 ELSE 2 END,
    kind,
    first_position,
    shape
