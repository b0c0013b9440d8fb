-- What could no reader turn into a fact, and why?
-- example is the text at fault in the first such event; `explain POSITION` shows the event itself.
SELECT
    kind,
    reason,
    reader,
    column_name,
    count(*) AS events,
    min(position) AS first_position,
    max(position) AS last_position,
    arg_min(offending, position) AS example
FROM unreadable
GROUP BY kind, reason, reader, column_name
ORDER BY events DESC, kind, reason, reader NULLS FIRST, column_name NULLS FIRST
