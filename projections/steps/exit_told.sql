-- merged_bot_exit, exit_spelling, fill, attribution, movement, lot, trade_sum, decision_fill
-- -> exit_told (temporary): every exit that the bot told, its reason, and the trade that it is of.
-- By its order, if that closed something; else by the decision that had gone in; else by instrument
-- and time, up to a minute after the closing. Of several trades the one whose closing is nearest.
-- An exit without a trade stays: it closes nothing, and is reported.
CREATE TEMP TABLE exit_told AS
WITH told AS (
    SELECT
        e.*,
        normal_spelling(e.reason) AS spelling,
        coalesce(s.reason, 'undeclared') AS meant
    FROM merged_bot_exit AS e
    LEFT JOIN exit_spelling AS s ON s.spelling = normal_spelling(e.reason)
),

ordered AS (
    SELECT e.position, f.position AS fill_position
    FROM merged_bot_exit AS e
    INNER JOIN fill AS f
        ON f.venue = e.venue AND f.account = e.account AND f.mode = e.mode
        AND f.order_id = e.order_id AND f.instrument_id = e.instrument_id
    UNION
    SELECT e.position, f.position
    FROM merged_bot_exit AS e
    INNER JOIN attribution AS a
        ON a.venue = e.venue AND a.account = e.account AND a.mode = e.mode
        AND a.client_order_id = e.client_order_id
    INNER JOIN fill AS f ON f.position = a.position AND f.instrument_id = e.instrument_id
),

-- the decision behind the fill that opened a trade, and was named after it
entered AS (
    SELECT venue, account, mode, fill_id, decision_id FROM decision_fill
    UNION
    SELECT venue, account, mode, fill_id, decision_id
    FROM attribution
    WHERE decision_id IS NOT NULL
),

candidate AS (
    SELECT DISTINCT o.position, l.trade_sequence, 1 AS strength
    FROM ordered AS o
    INNER JOIN movement AS c ON c.position = o.fill_position AND c.rank = 0
    INNER JOIN lot AS l ON l.close_sequence = c.sequence
    UNION ALL
    SELECT e.position, t.trade_sequence, 2
    FROM merged_bot_exit AS e
    INNER JOIN entered AS d
        ON d.venue = e.venue AND d.account = e.account AND d.mode = e.mode
        AND d.decision_id = e.decision_id
    INNER JOIN trade_sum AS t
        ON t.venue = d.venue AND t.account = d.account AND t.mode = d.mode
        AND t.trade_id = d.fill_id AND t.instrument_id = e.instrument_id
    UNION ALL
    SELECT e.position, t.trade_sequence, 3
    FROM merged_bot_exit AS e
    INNER JOIN trade_sum AS t
        ON t.venue = e.venue AND t.account = e.account AND t.mode = e.mode
        AND t.instrument_id = e.instrument_id
        AND t.opened_at <= e.exited_at
        AND e.exited_at <= coalesce(
            t.closed_at + INTERVAL 60 SECOND, TIMESTAMPTZ '9999-12-31 00:00:00+00'
        )
),

matched AS (
    SELECT c.position, c.trade_sequence, c.strength, t.closed_at IS NULL AS is_open
    FROM candidate AS c
    INNER JOIN trade_sum AS t ON t.trade_sequence = c.trade_sequence
    INNER JOIN merged_bot_exit AS e ON e.position = c.position
    QUALIFY row_number() OVER (
        PARTITION BY c.position
        ORDER BY
            c.strength,
            abs(epoch_us(t.closed_at) - epoch_us(e.exited_at)) NULLS LAST,
            c.trade_sequence
    ) = 1
)

SELECT e.*, m.trade_sequence, m.is_open, m.strength
FROM told AS e
LEFT JOIN matched AS m ON m.position = e.position;
