-- What was taken in, from where, and did it come whole?
SELECT
    concat_ws('/', venue, account, mode) AS account,
    coalesce(
        state,
        CASE cursor_ended WHEN true THEN 'complete' WHEN false THEN 'broken off' ELSE 'unknown' END
    ) AS state,
    adapter,
    pages,
    rows,
    document,
    position
FROM fetch_log
ORDER BY account, position
