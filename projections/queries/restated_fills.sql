-- Which fills did the broker tell differently later, and what did that do to cash?
-- completed: said for the first time what nobody had stated; changed: said otherwise.
SELECT
    coalesce(i.symbol, f.instrument_id) AS symbol,
    r.change,
    r.columns,
    r.cash_difference AS cash,
    r.old_position AS old,
    r.new_position AS new,
    f.fill_id
FROM restatement AS r
INNER JOIN fill AS f ON concat_ws('|', f.venue, f.account, f.mode, f.fill_id) = r.fact_id
LEFT JOIN instrument AS i USING (venue, instrument_id)
WHERE r.fact = 'fill'
ORDER BY r.new_position, f.fill_id, r.columns
