-- ordered, touched, fresh_fill, stored_fill, stored_set_aside -> the instruments of executions that
-- share an order with touched ones, or of which one may correct the other, and of what is said of
-- such an order.
WITH corrected AS (
    -- a correction has the stem of what it corrects, and another number behind the last dot
    SELECT venue, instrument_id, stem_of(fill_id) AS stem FROM fresh_fill WHERE venue = 'ibkr'
    UNION
    SELECT venue, instrument_id, stem_of(fill_id)
    FROM stored_set_aside SEMI JOIN touched USING (venue, instrument_id)
    UNION
    SELECT f.venue, f.instrument_id, stem_of(f.fill_id)
    FROM stored_fill AS f
    SEMI JOIN touched USING (venue, instrument_id)
    SEMI JOIN stored_set_aside AS a ON a.replaced_by = f.fill_id
    WHERE f.venue = 'ibkr'
),

-- what begins otherwise has another stem, and is told apart sooner
shortest AS (
    SELECT min(length(stem)) AS length FROM corrected
)

SELECT venue, instrument_id FROM ordered
UNION
SELECT f.venue, f.instrument_id
FROM stored_fill AS f
INNER JOIN corrected AS c
    ON left(c.stem, (SELECT length FROM shortest)) = left(f.fill_id, (SELECT length FROM shortest))
WHERE f.venue = 'ibkr' AND stem_of(f.fill_id) = c.stem
UNION
SELECT a.venue, a.instrument_id
FROM stored_set_aside AS a
SEMI JOIN corrected AS c ON c.stem = stem_of(a.fill_id)
