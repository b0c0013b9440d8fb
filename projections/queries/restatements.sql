-- What did the broker say differently later, and what did that do to cash?
SELECT
    fact,
    fact_id,
    columns,
    old_values,
    new_values,
    cash_difference,
    old_position,
    new_position
FROM restatement
ORDER BY new_position, fact, fact_id
