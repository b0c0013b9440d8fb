-- interval -> segment (temporary): the lots, as stretches of one axis.
-- Every end of an opening and of a closing interval cuts the axis; each elementary stretch belongs
-- to the next opening end and the next closing end at or after it. Stretches without a closing end
-- are open. Equal ends need no order: the stretch between them is empty and dropped.
CREATE TEMP TABLE segment AS
WITH ends AS (
    SELECT holding_id, opened_to AS axis_to, sequence AS open_sequence, NULL AS close_sequence
    FROM interval
    WHERE opened_to > opened_from
    UNION ALL
    SELECT holding_id, closed_to, NULL, sequence
    FROM interval
    WHERE closed_to > closed_from
),

cut AS (
    SELECT
        holding_id,
        axis_to,
        axis_to - lead(axis_to, 1, 0) OVER down AS units,
        last_value(open_sequence IGNORE NULLS) OVER down AS open_sequence,
        last_value(close_sequence IGNORE NULLS) OVER down AS close_sequence
    FROM ends
    WINDOW down AS (
        PARTITION BY holding_id ORDER BY axis_to DESC ROWS UNBOUNDED PRECEDING
    )
)

SELECT * FROM cut WHERE units > 0;
