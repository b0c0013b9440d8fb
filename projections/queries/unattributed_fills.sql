-- Which fills does nothing explain, and what is known of each?
-- rule: manual (no id of its order is known), unknown_prefix (no prefix of the rules fits the id),
-- ambiguous (posted decisions of several strategies are equally near).
SELECT
    concat_ws('/', f.venue, f.account, f.mode) AS account,
    f.fill_id,
    f.instrument_id,
    f.side,
    f.quantity AS contracts,
    f.executed_at AT TIME ZONE 'UTC' AS executed_at,
    a.rule,
    a.client_order_id
FROM attribution AS a
INNER JOIN fill AS f USING (venue, account, mode, fill_id)
WHERE a.strategy = 'unattributed'
ORDER BY account, executed_at DESC, f.fill_id
