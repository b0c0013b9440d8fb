-- Which shapes of payload came in which month, and who reads them?
SELECT
    m.month,
    m.kind,
    d.reader,
    d.status,
    sum(m.events)::BIGINT AS events,
    count(*) AS shapes
FROM shape_month AS m
INNER JOIN drift AS d USING (kind, shape)
GROUP BY ALL
ORDER BY m.month, m.kind, d.reader, d.status
