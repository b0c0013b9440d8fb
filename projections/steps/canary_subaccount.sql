-- merged_fill, merged_balance_snapshot -> canary: fills that do not say their subaccount although
-- the account has several.
-- They count for the primary one, which may be wrong. Only fills from the first statement of
-- another subaccount on: what was traded before needs no subaccount.
INSERT INTO canary BY NAME
WITH divided AS (
    SELECT venue, account, mode, min(as_of) AS since
    FROM merged_balance_snapshot
    WHERE subaccount <> 0
    GROUP BY ALL
)

SELECT
    f.venue,
    f.account,
    f.mode,
    'subaccount_missing' AS rule,
    f.instrument_id AS subject,
    NULL AS found,
    NULL AS expected,
    count(*) || ' fills name no subaccount, and the account has several' AS detail,
    min(f.position) AS position
FROM merged_fill AS f
INNER JOIN divided AS d USING (venue, account, mode)
WHERE f.subaccount IS NULL AND f.executed_at >= d.since
GROUP BY f.venue, f.account, f.mode, f.instrument_id;
