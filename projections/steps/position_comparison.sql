-- merged_position_snapshot, position_list, quantity_change, opening -> position_comparison:
-- positions of statements beside the ledger's.
-- A statement of a day holds what was reported up to that day, so a row counts from its report date
-- on: an expiry on a Friday may stand in the statement of Monday.
-- Where a statement lists open positions, what it does not list it holds to be 0.
INSERT INTO position_comparison BY NAME
WITH moved AS (
    SELECT venue, account, mode, instrument_id, day, contracts(units) AS quantity
    FROM quantity_change
),

before AS (
    SELECT venue, account, mode, instrument_id, sum(quantity) AS quantity
    FROM opening
    GROUP BY ALL
),

stated AS (
    SELECT
        venue,
        account,
        mode,
        instrument_id,
        as_of,
        quantity,
        position
    FROM merged_position_snapshot
    WHERE told_by = 'statement'
),

known AS (
    SELECT DISTINCT venue, account, mode, instrument_id FROM moved
    UNION
    SELECT venue, account, mode, instrument_id FROM before
),

compared AS (
    SELECT * FROM stated
    UNION ALL BY NAME
    SELECT DISTINCT
        k.venue,
        k.account,
        k.mode,
        k.instrument_id,
        l.as_of,
        0 AS quantity,
        NULL AS position
    FROM position_list AS l
    INNER JOIN known AS k USING (venue, account, mode)
    ANTI JOIN stated AS s
        ON s.venue = k.venue
        AND s.account = k.account
        AND s.mode = k.mode
        AND s.instrument_id = k.instrument_id
        AND s.as_of = l.as_of
),

counted AS (
    SELECT
        c.venue,
        c.account,
        c.mode,
        c.instrument_id,
        c.as_of,
        c.quantity AS stated,
        c.position,
        coalesce(sum(m.quantity), 0)::DECIMAL(18, 8) AS by_rows
    FROM compared AS c
    LEFT JOIN moved AS m
        ON m.venue = c.venue
        AND m.account = c.account
        AND m.mode = c.mode
        AND m.instrument_id = c.instrument_id
        AND m.day < new_york_day(c.as_of)
    GROUP BY ALL
),

completed AS (
    SELECT
        c.*,
        coalesce(b.quantity, 0)::DECIMAL(18, 8) AS opening,
        (c.by_rows + coalesce(b.quantity, 0) - c.stated)::DECIMAL(18, 8) AS difference
    FROM counted AS c
    LEFT JOIN before AS b USING (venue, account, mode, instrument_id)
)

SELECT
    *,
    CASE
        WHEN by_rows = stated AND opening = 0 THEN 'agrees'
        WHEN difference = 0 THEN 'opening_missing'
        ELSE 'differs'
    END AS state
FROM completed
-- what a statement does not list and the ledger does not hold is nothing to compare
WHERE position IS NOT NULL OR by_rows <> 0 OR opening <> 0;
