-- quantity_change, position_list, merged_position_snapshot -> opening: what was held before the
-- ledger's first row.
-- Evidence, the first that there is counts:
--   statement  the account's first statement with open positions: what it states, and 0 for what it
--              leaves out, less all rows up to its end;
--   closing    fills that the broker calls closing, of more than all rows before them leave.
-- What was held before then has a quantity and no cost: nobody told one.
INSERT INTO opening BY NAME
WITH first_statement AS (
    SELECT venue, account, mode, min(as_of) AS as_of
    FROM position_list
    GROUP BY venue, account, mode
),

stated AS (
    SELECT s.venue, s.account, s.mode, s.instrument_id, s.position, units_of(s.quantity) AS units
    FROM merged_position_snapshot AS s
    INNER JOIN first_statement AS f USING (venue, account, mode, as_of)
    WHERE s.told_by = 'statement' AND s.asset_class IS DISTINCT FROM 'CASH'
),

told AS (
    SELECT
        c.venue,
        c.account,
        c.mode,
        c.instrument_id,
        sum(c.units)::BIGINT AS units,
        max(c.position) AS position
    FROM quantity_change AS c
    INNER JOIN first_statement AS f USING (venue, account, mode)
    WHERE c.day < new_york_day(f.as_of)
    GROUP BY ALL
),

by_statement AS (
    SELECT
        venue,
        account,
        mode,
        instrument_id,
        coalesce(s.units, 0) - coalesce(t.units, 0) AS units,
        coalesce(s.position, t.position) AS position
    FROM stated AS s
    FULL OUTER JOIN told AS t USING (venue, account, mode, instrument_id)
),

running AS (
    SELECT *, sum(units) OVER (
        PARTITION BY venue, account, mode, instrument_id
        ORDER BY moment, rank, sequence NULLS LAST, id
        ROWS UNBOUNDED PRECEDING
    )::BIGINT AS after
    FROM quantity_change
),

by_closing AS (
    SELECT
        venue,
        account,
        mode,
        instrument_id,
        -arg_max(after, (abs(after), after)) AS units,
        arg_max(position, (abs(after), after, position)) AS position
    FROM running
    -- selling what is not there, or buying back what is not owed
    WHERE open_close = 'close' AND sign(after) = sign(units)
        -- more of what is sold short is a split of it
        AND (action_id IS NULL OR after - units >= 0)
        -- a merger of what was sold short gives a short position in something else
        AND (venue, account, mode, action_id) NOT IN (
            SELECT (venue, account, mode, action_id)
            FROM running
            WHERE action_id IS NOT NULL AND units > 0 AND after - units < 0
        )
    GROUP BY ALL
),

decided AS (
    SELECT *, 'statement' AS evidence FROM by_statement
    UNION ALL
    SELECT *, 'closing' FROM by_closing
    -- a statement has said what there was; what it left out then was not there
    ANTI JOIN first_statement USING (venue, account, mode)
),

first_row AS (
    SELECT venue, account, mode, instrument_id, min(moment) AS moment
    FROM quantity_change
    GROUP BY ALL
)

SELECT
    d.venue,
    d.account,
    d.mode,
    0 AS subaccount,
    d.instrument_id,
    contracts(d.units) AS quantity,
    d.evidence,
    coalesce(r.moment, f.as_of) AS before,
    d.position
FROM decided AS d
LEFT JOIN first_row AS r USING (venue, account, mode, instrument_id)
LEFT JOIN first_statement AS f USING (venue, account, mode)
WHERE d.units <> 0;
