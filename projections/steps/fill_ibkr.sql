-- merged_fill, merged_commission -> set_aside, fill, restatement: every fill of IBKR that counts,
-- with its fee as far as anybody stated it.
-- What does not count (set_aside):
--   combination  an execution of the combination stands beside those of its legs;
--   replaced     the socket corrects an execution by another of the same stem and a higher suffix
--                (x.01, x.02). Statements take the first back with a row of its own (a cancel) and
--                count all three. So where a cancel of it is known every row counts, and where none
--                is, only the highest suffix does.
-- Rules for the fee: what the fill states, otherwise what its commission report does, otherwise it
-- is pending: unknown, not 0.
INSERT INTO set_aside BY NAME
WITH numbered AS (
    SELECT
        venue,
        account,
        mode,
        fill_id,
        broker_trade_id,
        told_by,
        regexp_extract(fill_id, '^(.*)\.[0-9]{1,9}$', 1) AS stem,
        TRY_CAST(regexp_extract(fill_id, '\.([0-9]{1,9})$', 1) AS BIGINT) AS suffix
    FROM merged_fill
    WHERE venue = 'ibkr' AND booking = 'execution' AND asset_class <> 'BAG'
        AND regexp_full_match(fill_id, '.*\.[0-9]{1,9}')
),

-- stems with an execution that some statement has taken back
taken_back AS (
    SELECT DISTINCT n.venue, n.account, n.mode, n.stem
    FROM numbered AS n
    INNER JOIN merged_fill AS c
        ON c.venue = 'ibkr' AND c.cancels_trade_id = n.broker_trade_id
        AND (c.venue, c.account, c.mode) = (n.venue, n.account, n.mode)
    UNION
    -- a statement that tells several of a stem adds them up, named or not
    SELECT venue, account, mode, stem
    FROM numbered
    WHERE told_by = 'statement'
    GROUP BY venue, account, mode, stem
    HAVING count(*) > 1
),

highest AS (
    SELECT
        venue,
        account,
        mode,
        stem,
        max(suffix) AS suffix,
        arg_max(fill_id, (suffix, fill_id)) AS fill_id
    FROM numbered
    GROUP BY venue, account, mode, stem
    HAVING count(*) > 1
),

aside AS (
    SELECT venue, account, mode, fill_id, 'combination' AS reason, NULL AS replaced_by
    FROM merged_fill
    WHERE venue = 'ibkr' AND asset_class = 'BAG'
    UNION ALL
    SELECT n.venue, n.account, n.mode, n.fill_id, 'replaced', h.fill_id
    FROM numbered AS n
    INNER JOIN highest AS h USING (venue, account, mode, stem)
    LEFT JOIN taken_back AS t USING (venue, account, mode, stem)
    WHERE n.suffix < h.suffix AND t.stem IS NULL
)

SELECT a.*, f.order_id, f.instrument_id, f.side, f.quantity, f.price, f.executed_at, f.position
FROM aside AS a
INNER JOIN merged_fill AS f USING (venue, account, mode, fill_id)
WHERE f.venue = 'ibkr';

INSERT INTO fill BY NAME
SELECT
    f.* REPLACE (
        coalesce(f.subaccount, 0) AS subaccount,
        coalesce(f.realized_reported, c.realized_reported) AS realized_reported,
        coalesce(f.fee, c.fee) AS fee,
        CASE WHEN f.fee IS NULL THEN c.fee_currency ELSE f.fee_currency END AS fee_currency
    ),
    f.subaccount IS NOT NULL AS subaccount_named,
    CASE
        WHEN f.fee IS NOT NULL THEN 'stated'
        WHEN c.fee IS NOT NULL THEN 'reported'
        ELSE 'pending'
    END AS fee_state
FROM merged_fill AS f
LEFT JOIN merged_commission AS c USING (venue, account, mode, fill_id)
LEFT JOIN set_aside AS a USING (venue, account, mode, fill_id)
WHERE f.venue = 'ibkr' AND a.fill_id IS NULL;

-- the statement has the last word over the commission report, and says so
INSERT INTO restatement BY NAME
SELECT
    'fill' AS fact,
    concat_ws('|', venue, account, mode, fill_id) AS fact_id,
    -- the socket may tell a commission in another currency than the statement does
    CASE WHEN c.fee_currency = f.fee_currency THEN 'changed' ELSE 'completed' END AS change,
    'fee' AS columns,
    '{"fee":"' || c.fee || ' ' || c.fee_currency || '"}' AS old_values,
    '{"fee":"' || f.fee || ' ' || f.fee_currency || '"}' AS new_values,
    CASE
        WHEN c.fee_currency = f.fee_currency THEN (c.fee - f.fee)::DECIMAL(38, 20)
    END AS cash_difference,
    c.position AS old_position,
    f.position AS new_position
FROM merged_fill AS f
INNER JOIN merged_commission AS c USING (venue, account, mode, fill_id)
WHERE f.venue = 'ibkr' AND (c.fee <> f.fee OR c.fee_currency <> f.fee_currency);
