-- movement -> interval (temporary): where each movement opens and closes on its holding's axes.
-- With the running position p and the running volume v (sum of |units|): everything opened so far
-- is (v + |p|) / 2 and everything closed so far (v - |p|) / 2. First in, first out pairs the two
-- axes point by point, so each movement is an interval on one or both of them; a flip is on both.
-- Invariants: opened + closed = |units|; v and |p| have the same parity, so // is exact.
-- It has what the price of a lot needs of the movement too, so that one join brings both.
CREATE TEMP TABLE interval AS
WITH running AS (
    SELECT
        * EXCLUDE (id, position, strategy, kind, carried_from),
        (sum(units) OVER holding_order)::BIGINT AS after,
        (sum(abs(units)) OVER holding_order)::BIGINT AS volume
    FROM movement
    WINDOW holding_order AS (
        PARTITION BY holding_id ORDER BY sequence ROWS UNBOUNDED PRECEDING
    )
),

bounds AS (
    SELECT
        * EXCLUDE (after, volume),
        abs(units) AS size,
        abs(after - units) AS before,
        (volume - abs(units) + abs(after - units)) // 2 AS opened_from,
        (volume + abs(after)) // 2 AS opened_to,
        (volume - abs(units) - abs(after - units)) // 2 AS closed_from,
        (volume - abs(after)) // 2 AS closed_to
    FROM running
)

SELECT
    *,
    -- a round trip starts where something is opened while the holding is flat
    last_value(
        CASE WHEN opened_to > opened_from AND before = closed_to - closed_from THEN sequence END
        IGNORE NULLS
    ) OVER (PARTITION BY holding_id ORDER BY sequence ROWS UNBOUNDED PRECEDING) AS trade_sequence
FROM bounds;
