-- exit_told, trade_sum, lot, merged_quote -> held_closed (temporary): trades that are open by the
-- broker's rows while the bot holds them closed: when, and what the open part would have made.
-- The bot's exits value them if they state price and quantity for all of what is open (what the
-- broker's own closings answer, by order or within a minute, is not open); else the last quote with
-- a middle while it was held. Nothing of this is money: it is graded, and counts nowhere.
CREATE TEMP TABLE held_closed AS
WITH ended AS (
    SELECT
        trade_sequence,
        max(exited_at) AS closed_at
    FROM exit_told
    WHERE is_open AND is_last
    GROUP BY trade_sequence
),

held AS (
    SELECT
        l.trade_sequence,
        e.closed_at,
        min(l.sign) AS sign,
        sum(units_of(l.quantity)::HUGEINT)::HUGEINT AS units,
        CASE WHEN count(l.open_worth) = count(*) THEN sum(l.open_worth) END::DECIMAL(38, 20)
            AS open_worth,
        sum(abs(l.open_worth))::DECIMAL(38, 20) AS size,
        sum(l.quantity)::DECIMAL(38, 8) AS quantity,
        CASE WHEN min(l.multiplier) = max(l.multiplier) THEN min(l.multiplier) END AS multiplier
    FROM lot AS l
    INNER JOIN ended AS e ON e.trade_sequence = l.trade_sequence
    WHERE l.closed_at IS NULL
    GROUP BY l.trade_sequence, e.closed_at
),

stated AS (
    SELECT
        h.trade_sequence,
        h.units AS units_held,
        x.price,
        units_of(x.quantity)::HUGEINT AS units,
        coalesce(
            sum(units_of(x.quantity)::HUGEINT) OVER (
                PARTITION BY h.trade_sequence
                ORDER BY x.exited_at, x.exit_id, x.position
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            0
        )::HUGEINT AS units_before
    FROM held AS h
    INNER JOIN trade_sum AS t ON t.trade_sequence = h.trade_sequence
    INNER JOIN exit_told AS x ON x.trade_sequence = h.trade_sequence
    WHERE x.price IS NOT NULL
        AND x.quantity > 0
        AND x.strength > 1
        AND x.exited_at <= h.closed_at
        AND (t.last_closed_at IS NULL OR x.exited_at > t.last_closed_at + INTERVAL 60 SECOND)
),

partials AS (
    SELECT
        trade_sequence,
        sum(contracts(least(units, units_held - units_before))::DECIMAL(38, 8) * price)
            ::DECIMAL(38, 17) AS worth
    FROM stated
    WHERE units_before < units_held
    GROUP BY trade_sequence
    HAVING sum(least(units, units_held - units_before)) = max(units_held)
),

quoted AS (
    SELECT
        h.trade_sequence,
        arg_max(
            coalesce(q.mid, of_billionths((billionths_of(q.bid) + billionths_of(q.ask)) // 2)),
            q.quoted_at
        ) AS price
    FROM held AS h
    INNER JOIN trade_sum AS t ON t.trade_sequence = h.trade_sequence
    INNER JOIN merged_quote AS q
        ON q.venue = t.venue AND q.account = t.account AND q.mode = t.mode
        AND q.instrument_id = t.instrument_id
        AND q.quoted_at >= t.opened_at
        AND q.quoted_at <= h.closed_at
    WHERE q.mid IS NOT NULL OR (q.bid IS NOT NULL AND q.ask IS NOT NULL)
    GROUP BY h.trade_sequence
),

valued AS (
    SELECT
        h.*,
        t.venue,
        CASE
            WHEN p.worth IS NOT NULL AND h.multiplier IS NOT NULL THEN 'healed_from_partials'
            WHEN q.price IS NOT NULL AND h.multiplier IS NOT NULL THEN 'healed_from_quote'
            ELSE 'lost'
        END AS quality,
        (coalesce(p.worth, h.quantity * q.price) * h.multiplier)::DECIMAL(38, 20) AS close_worth
    FROM held AS h
    INNER JOIN trade_sum AS t ON t.trade_sequence = h.trade_sequence
    LEFT JOIN partials AS p ON p.trade_sequence = h.trade_sequence
    LEFT JOIN quoted AS q ON q.trade_sequence = h.trade_sequence
    WHERE t.last_opened_at <= h.closed_at
)

SELECT
    trade_sequence,
    closed_at,
    quality,
    CASE
        WHEN open_worth IS NULL THEN NULL
        -- a short YES is a NO at 1 - price
        WHEN venue = 'kalshi' AND sign = -1 THEN quantity - open_worth
        ELSE size
    END::DECIMAL(38, 20) AS cost,
    (sign * (close_worth - open_worth))::DECIMAL(38, 20) AS estimated_gross
FROM valued;
