-- merged_corporate_action, quantity_change, cancelled_fill, opening -> rearrangement (temporary):
-- what each row of a corporate action takes out of a holding and puts into it.
-- Executions that were taken back, before or after, do not count as held.
-- A row that turns what is held into more or less of the same (a split: one row, of the difference
-- alone) takes all of it out and puts the new quantity in. Of the rows of one action that has one
-- instrument going and one coming (merger, change of CUSIP, reverse split), what comes carries on
-- what goes. A row that stands alone goes for its proceeds. Everything else comes without a cost
-- that anybody told, and what goes beside it has no result that anybody told.
--   taken_units   units taken out, signed as they change the holding; 0 if none
--   given_units   units put in, likewise
--   source_id     the row whose lots are carried on by given_units; NULL if there is none
--   carries       whether the lots taken out live on somewhere, as far as anybody can tell
CREATE TEMP TABLE rearrangement AS
WITH changes AS (
    SELECT *, sum(units) OVER (
        PARTITION BY venue, account, mode, instrument_id
        ORDER BY moment, rank, sequence NULLS LAST, id
        ROWS UNBOUNDED PRECEDING
    )::BIGINT AS told
    FROM quantity_change AS q
    ANTI JOIN cancelled_fill AS c
        ON c.fill_id = q.id AND q.rank = 0
        AND (c.venue, c.account, c.mode) = (q.venue, q.account, q.mode)
),

rows AS (
    SELECT
        a.venue,
        a.account,
        a.mode,
        a.instrument_id,
        a.row_id,
        coalesce(a.action_id, 'row ' || a.row_id) AS action_id,
        a.action_type,
        a.proceeds,
        a.happened_at AS moment,
        a.position,
        c.units,
        (c.told - c.units + coalesce(units_of(o.quantity), 0))::BIGINT AS held
    FROM merged_corporate_action AS a
    INNER JOIN changes AS c
        ON c.id = a.row_id AND c.rank = 1
        AND (c.venue, c.account, c.mode, c.instrument_id)
            = (a.venue, a.account, a.mode, a.instrument_id)
    LEFT JOIN opening AS o
        ON (o.venue, o.account, o.mode, o.instrument_id)
            = (a.venue, a.account, a.mode, a.instrument_id)
),

counted AS (
    SELECT
        *,
        sign(units) = -sign(held) AND abs(units) <= abs(held) AS goes,
        count(*) OVER (PARTITION BY venue, account, mode, action_id) AS rows_of_action
    FROM rows
),

sorted AS (
    SELECT
        *,
        max(row_id) FILTER (goes) OVER action AS going_row,
        sum(proceeds) OVER action AS cash,
        -- one goes, one comes, and a short position stays one
        count(*) FILTER (goes) OVER action = 1 AND count(*) FILTER (NOT goes) OVER action = 1
            AND sum(sign(units)) OVER action = 0 AS turns
    FROM counted
    WINDOW action AS (PARTITION BY venue, account, mode, action_id)
)

SELECT
    * EXCLUDE (turns, going_row, proceeds, cash),
    -- whichever of the two rows states it
    CASE WHEN goes AND turns THEN cash::DECIMAL(38, 20) ELSE proceeds END AS proceeds,
    CASE
        WHEN split THEN -held
        WHEN goes THEN units
        ELSE 0
    END AS taken_units,
    CASE
        WHEN split THEN held + units
        WHEN goes THEN 0
        ELSE units
    END AS given_units,
    CASE
        WHEN split THEN row_id
        WHEN NOT goes AND turns THEN going_row
    END AS source_id,
    split OR (goes AND rows_of_action > 1) AS carries
FROM (
    SELECT
        *,
        rows_of_action = 1 AND held <> 0 AND sign(held + units) = sign(held)
            AND coalesce(action_type, '') IN ('FS', 'RS', 'FI', 'SD', 'HD') AS split
    FROM sorted
);
