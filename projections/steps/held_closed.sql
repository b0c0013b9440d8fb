-- exit_told, trade_sum, lot, merged_quote -> held_closed (temporary): trades that are open by the
-- broker's rows while the bot holds them closed: when, and what the open part would have made.
-- The bot's exits value them if they state the price of all of what is open (what the broker's own
-- closings answer, by order or within a minute, is not open; an exit without a quantity is of all
-- that is); else the last quote while it was held, the middle as recorded before that of bid and
-- ask. Nothing of this is money: it is graded, and counts nowhere; what no number can hold is lost.
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
        count(l.open_worth) = count(*) AS is_basis_known,
        coalesce(sum(l.open_worth), 0)::DECIMAL(38, 20) AS open_worth,
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
        coalesce(units_of(x.quantity)::HUGEINT, h.units) AS units,
        coalesce(
            sum(coalesce(units_of(x.quantity)::HUGEINT, h.units)) OVER (
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
        AND coalesce(x.quantity > 0, TRUE)
        AND x.strength > 1
        AND x.exited_at <= h.closed_at
        AND (t.last_closed_at IS NULL OR x.exited_at > t.last_closed_at + INTERVAL 60 SECOND)
),

answered AS (
    SELECT
        trade_sequence,
        units_held,
        least(units, units_held - units_before) AS units,
        -- narrow, so that their sum is no wider than a number may be
        TRY((contracts(least(units, units_held - units_before))::DECIMAL(38, 8) * price)
            ::DECIMAL(32, 17)) AS worth
    FROM stated
    WHERE units_before < units_held
),

partials AS (
    SELECT trade_sequence, sum(worth)::DECIMAL(38, 17) AS worth
    FROM answered
    GROUP BY trade_sequence
    HAVING sum(units) = max(units_held) AND count(worth) = count(*)
),

path AS (
    SELECT
        h.trade_sequence,
        q.position,
        coalesce(q.mid, of_billionths((billionths_of(q.bid) + billionths_of(q.ask)) // 2))
            AS price,
        (q.mid IS NOT NULL, q.quoted_at) AS rank
    FROM held AS h
    INNER JOIN trade_sum AS t ON t.trade_sequence = h.trade_sequence
    INNER JOIN merged_quote AS q
        ON q.venue = t.venue AND q.account = t.account AND q.mode = t.mode
        AND q.instrument_id = t.instrument_id
        AND q.quoted_at >= t.opened_at
        AND q.quoted_at <= h.closed_at
    WHERE q.mid IS NOT NULL OR (q.bid IS NOT NULL AND q.ask IS NOT NULL)
),

quoted AS (
    SELECT
        trade_sequence,
        arg_max(price, rank) AS price,
        arg_max(position, rank) AS position
    FROM path
    GROUP BY trade_sequence
),

valued AS (
    SELECT
        h.trade_sequence,
        h.closed_at,
        h.is_basis_known,
        q.position AS quote_position,
        TRY((h.sign * (p.worth * h.multiplier - h.open_worth))::DECIMAL(38, 20)) AS by_exits,
        TRY((h.sign * (h.quantity * q.price * h.multiplier - h.open_worth))::DECIMAL(38, 20))
            AS by_quote
    FROM held AS h
    INNER JOIN trade_sum AS t ON t.trade_sequence = h.trade_sequence
    LEFT JOIN partials AS p ON p.trade_sequence = h.trade_sequence
    LEFT JOIN quoted AS q ON q.trade_sequence = h.trade_sequence
    WHERE t.last_opened_at <= h.closed_at
)

SELECT
    trade_sequence,
    closed_at,
    is_basis_known,
    CASE
        WHEN by_exits IS NOT NULL THEN 'healed_from_partials'
        WHEN by_quote IS NOT NULL THEN 'healed_from_quote'
        ELSE 'lost'
    END AS quality,
    CASE WHEN is_basis_known THEN coalesce(by_exits, by_quote) END AS estimated_gross,
    CASE WHEN by_exits IS NULL AND by_quote IS NOT NULL THEN quote_position END AS quote_position
FROM valued;
