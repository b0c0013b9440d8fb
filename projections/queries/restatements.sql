-- What did the broker say differently later, and what did that do to cash?
SELECT
    fact,
    fact_id,
    change,
    columns,
    old_values,
    new_values,
    cash_difference,
    new_position
FROM restatement
ORDER BY new_position, fact, fact_id
