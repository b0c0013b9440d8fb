-- trade_sum, held_closed, lot, merged_quote -> excursion (temporary): how far the middle went from
-- the average opening price while a trade was held, from opening to closing and both included.
-- One price kind a path: the middle as recorded; only where none was, that of bid and ask. Never
-- the price of the underlying. A holding has one trade at a time, so a quote is of the one that was
-- opened last, and of those that closed at its very moment. What no price can hold is empty.
CREATE TEMP TABLE excursion AS
WITH quoted AS (
    SELECT
        venue,
        account,
        mode,
        instrument_id,
        quoted_at,
        -- twice the price, so that the middle of bid and ask is a whole number
        2 * billionths_of(mid) AS twice_mid,
        billionths_of(bid) + billionths_of(ask) AS twice_half
    FROM merged_quote
    WHERE mid IS NOT NULL OR (bid IS NOT NULL AND ask IS NOT NULL)
),

span AS (
    SELECT
        t.venue,
        t.account,
        t.mode,
        t.instrument_id,
        t.holding_id,
        t.trade_sequence,
        t.sign,
        t.opened_at,
        coalesce(t.closed_at, h.closed_at) AS ended_at
    FROM trade_sum AS t
    LEFT JOIN held_closed AS h ON h.trade_sequence = t.trade_sequence
    SEMI JOIN quoted AS q
        ON q.venue = t.venue AND q.account = t.account AND q.mode = t.mode
        AND q.instrument_id = t.instrument_id
    WHERE coalesce(t.closed_at, h.closed_at) IS NOT NULL
),

beside AS (
    SELECT q.*, s.holding_id
    FROM quoted AS q
    INNER JOIN (
        SELECT DISTINCT venue, account, mode, instrument_id, holding_id FROM span
    ) AS s
        ON s.venue = q.venue AND s.account = q.account AND s.mode = q.mode
        AND s.instrument_id = q.instrument_id
),

seen AS (
    SELECT s.trade_sequence, b.twice_mid, b.twice_half
    FROM beside AS b
    ASOF INNER JOIN (SELECT * FROM span WHERE ended_at > opened_at) AS s
        ON s.holding_id = b.holding_id AND s.opened_at <= b.quoted_at
    WHERE b.quoted_at < s.ended_at
    UNION ALL
    SELECT s.trade_sequence, b.twice_mid, b.twice_half
    FROM beside AS b
    INNER JOIN span AS s ON s.holding_id = b.holding_id AND s.ended_at = b.quoted_at
),

path AS (
    SELECT
        trade_sequence,
        CASE WHEN count(twice_mid) > 0 THEN count(twice_mid) ELSE count(twice_half) END AS quotes,
        CASE WHEN count(twice_mid) > 0 THEN min(twice_mid) ELSE min(twice_half) END AS lowest,
        CASE WHEN count(twice_mid) > 0 THEN max(twice_mid) ELSE max(twice_half) END AS highest
    FROM seen
    GROUP BY trade_sequence
),

opened AS (
    SELECT
        l.trade_sequence,
        sum(units_of(l.quantity)::HUGEINT)::HUGEINT AS units,
        CASE
            WHEN count(l.open_price) = count(*)
                THEN sum(units_of(l.quantity)::HUGEINT * billionths_of(l.open_price))
        END::HUGEINT AS worth
    FROM lot AS l
    INNER JOIN path AS p ON p.trade_sequence = l.trade_sequence
    WHERE NOT l.lives_on
    GROUP BY l.trade_sequence
),

away AS (
    SELECT
        p.trade_sequence,
        p.quotes,
        o.units,
        CASE s.sign
            WHEN 1 THEN p.lowest * o.units - 2 * o.worth
            ELSE 2 * o.worth - p.highest * o.units
        END AS worst,
        CASE s.sign
            WHEN 1 THEN p.highest * o.units - 2 * o.worth
            ELSE 2 * o.worth - p.lowest * o.units
        END AS best
    FROM path AS p
    INNER JOIN span AS s ON s.trade_sequence = p.trade_sequence
    INNER JOIN opened AS o ON o.trade_sequence = p.trade_sequence
)

SELECT
    trade_sequence,
    quotes,
    TRY(of_billionths(least(worst // (2 * units), 0))) AS mae,
    TRY(of_billionths(greatest(best // (2 * units), 0))) AS mfe
FROM away;
