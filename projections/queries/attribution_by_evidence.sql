-- On what does the attribution of fills rest, month by month?
-- A month in which evidence turns from fill to order, decision or none is one in which a broker
-- stopped to tell client_order_id.
SELECT
    concat_ws('/', f.venue, f.account, f.mode) AS account,
    strftime(f.executed_at AT TIME ZONE 'UTC', '%Y-%m') AS month,
    a.evidence,
    a.confidence,
    count(*) AS fills,
    count(*) FILTER (a.strategy = 'unattributed') AS unattributed,
    sum(f.quantity) AS contracts
FROM attribution AS a
INNER JOIN fill AS f USING (venue, account, mode, fill_id)
GROUP BY ALL
ORDER BY account, month, fills DESC, a.evidence, a.confidence
