-- merged_bot_exit, exit_spelling, fill, attribution, movement, lot, trade_sum, decision_fill
-- -> exit_told (temporary): every exit that the bot told, its reason, and the trade that it is of.
-- By its order, if that closed something; else a trade that was held at the time, or had closed at
-- most a minute before, and of these one that its decision had opened. Of several trades the one
-- whose closing is nearest. An exit without a trade stays: it closes nothing, and is reported.
-- known_position is that of the exit, or of what led from it to its trade.
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
    SELECT e.position, f.position AS fill_position, 0 AS link_position
    FROM merged_bot_exit AS e
    INNER JOIN fill AS f
        ON f.venue = e.venue AND f.account = e.account AND f.mode = e.mode
        AND f.order_id = e.order_id AND f.instrument_id = e.instrument_id
    UNION ALL
    SELECT e.position, f.position, list_max(a.evidence_positions)
    FROM merged_bot_exit AS e
    INNER JOIN attribution AS a
        ON a.venue = e.venue AND a.account = e.account AND a.mode = e.mode
        AND a.client_order_id = e.client_order_id
    INNER JOIN fill AS f ON f.position = a.position AND f.instrument_id = e.instrument_id
),

timely AS (
    SELECT e.position, e.decision_id, t.trade_sequence
    FROM merged_bot_exit AS e
    INNER JOIN trade_sum AS t
        ON t.venue = e.venue AND t.account = e.account AND t.mode = e.mode
        AND t.instrument_id = e.instrument_id
        AND t.opened_at <= e.exited_at
        AND e.exited_at <= coalesce(
            t.closed_at + INTERVAL 60 SECOND, TIMESTAMPTZ '9999-12-31 00:00:00+00'
        )
),

candidate AS (
    SELECT o.position, l.trade_sequence, 1 AS strength, o.link_position
    FROM ordered AS o
    INNER JOIN movement AS c ON c.position = o.fill_position AND c.rank = 0
    INNER JOIN lot AS l ON l.close_sequence = c.sequence
    UNION ALL
    SELECT y.position, y.trade_sequence, 2, d.known_position
    FROM timely AS y
    INNER JOIN decision_fill AS d
        ON d.trade_sequence = y.trade_sequence AND d.decision_id = y.decision_id
    WHERE d.opens
    UNION ALL
    SELECT position, trade_sequence, 3, 0
    FROM timely
),

matched AS (
    SELECT
        c.position, c.trade_sequence, c.strength, c.link_position, t.closed_at IS NULL AS is_open
    FROM candidate AS c
    INNER JOIN trade_sum AS t ON t.trade_sequence = c.trade_sequence
    INNER JOIN merged_bot_exit AS e ON e.position = c.position
    QUALIFY row_number() OVER (
        PARTITION BY c.position
        ORDER BY
            c.strength,
            abs(epoch_us(t.closed_at) - epoch_us(e.exited_at)) NULLS LAST,
            c.trade_sequence,
            c.link_position NULLS FIRST
    ) = 1
)

SELECT
    e.*,
    m.trade_sequence,
    m.is_open,
    m.strength,
    greatest(e.position, m.link_position) AS known_position
FROM told AS e
LEFT JOIN matched AS m ON m.position = e.position;
