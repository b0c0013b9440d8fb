-- trade, trade_sum, lot, movement, held_closed, exit_told, excursion, decision_fill, fill,
-- merged_commission, merged_settlement, rule_setting -> outcome: what came of each closed trade.
-- Win or loss comes of the money alone: P&L after fees, or what is estimated before them (with what
-- the broker closed of it), against what was put in. The reason is that of the trade's last exit as
-- the bot told it; otherwise, or where the broker ended it by itself more than a minute later, what
-- its last row says. Nothing here changes a figure of `trade`.
INSERT INTO outcome BY NAME
WITH ended AS (
    SELECT
        t.* EXCLUDE (closed_at, cost),
        coalesce(t.closed_at, h.closed_at) AS closed_at,
        coalesce(h.quality, 'broker') AS quality,
        CASE WHEN coalesce(h.is_basis_known, TRUE) THEN t.cost END AS cost,
        h.estimated_gross,
        h.quote_position
    FROM trade_sum AS t
    LEFT JOIN held_closed AS h ON h.trade_sequence = t.trade_sequence
    WHERE coalesce(t.closed_at, h.closed_at) IS NOT NULL
),

-- the rows of each round trip; one that turns a position is of two of them
rows_of AS (
    SELECT trade_sequence, open_sequence AS sequence FROM lot
    UNION
    SELECT trade_sequence, close_sequence FROM lot WHERE close_sequence IS NOT NULL
),

-- who told the fee of a fill that does not state it: a net is known from then on
fee_told AS (
    SELECT f.position, c.position AS told_position
    FROM fill AS f
    INNER JOIN merged_commission AS c
        ON c.venue = f.venue AND c.account = f.account AND c.mode = f.mode
        AND c.fill_id = f.fill_id
    WHERE f.fee_state = 'reported'
    UNION ALL
    SELECT f.position, s.position
    FROM fill AS f
    INNER JOIN merged_settlement AS s
        ON s.venue = f.venue AND s.account = f.account AND s.mode = f.mode
        AND s.instrument_id = f.instrument_id
    WHERE f.fee_state = 'from_settlement'
),

-- In a window, because a list for each group would have to stay in memory.
executed AS (
    SELECT
        r.trade_sequence,
        list(m.id) OVER (
            PARTITION BY r.trade_sequence ORDER BY r.sequence
            ROWS BETWEEN CURRENT ROW AND 19 FOLLOWING
        ) AS first_ones,
        greatest(count(*) OVER from_here - 20, 0) AS more,
        max(greatest(m.position, e.told_position)) OVER from_here AS position
    FROM rows_of AS r
    INNER JOIN movement AS m ON m.sequence = r.sequence
    LEFT JOIN fee_told AS e ON e.position = m.position AND m.rank = 0
    WINDOW from_here AS (
        PARTITION BY r.trade_sequence ORDER BY r.sequence
        ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
    )
    QUALIFY row_number() OVER (PARTITION BY r.trade_sequence ORDER BY r.sequence) = 1
),

told AS (
    SELECT
        trade_sequence,
        arg_max(meant, (exited_at, exit_id, position)) AS meant,
        arg_max(reason, (exited_at, exit_id, position)) AS reason,
        CASE
            WHEN bool_or(meant = 'take_profit') THEN TRUE
            -- one in no list may have been one
            WHEN NOT bool_or(meant = 'undeclared') THEN FALSE
        END AS hit_tp,
        max(exited_at) AS exited_at,
        list(position ORDER BY exited_at, exit_id, position) AS exit_positions,
        max(known_position) AS position
    FROM exit_told
    WHERE trade_sequence IS NOT NULL
    GROUP BY trade_sequence
),

entered AS (
    SELECT
        d.trade_sequence,
        min(d.decision_id) AS decision_id,
        max(d.known_position) AS position
    FROM decision_fill AS d
    INNER JOIN trade_sum AS t
        ON t.trade_sequence = d.trade_sequence AND t.trade_id = d.fill_id
    WHERE d.opens
    GROUP BY d.trade_sequence
),

-- a fee in another currency is as good as unknown, and so is what was closed in another one
foreign_fee AS (
    SELECT position FROM fill WHERE fee <> 0 AND fee_currency <> currency
),

mixed AS (
    SELECT DISTINCT l.trade_sequence
    FROM lot AS l
    INNER JOIN movement AS o ON o.sequence = l.open_sequence
    INNER JOIN movement AS c ON c.sequence = l.close_sequence
    LEFT JOIN foreign_fee AS fo ON fo.position = o.position
    LEFT JOIN foreign_fee AS fc ON fc.position = c.position
    WHERE (l.basis_state = 'missing' OR l.open_fee IS NULL OR l.close_fee IS NULL)
        AND (
            o.currency <> c.currency OR fo.position IS NOT NULL OR fc.position IS NOT NULL
        )
),

made AS (
    SELECT
        e.*,
        t.subaccount,
        t.strategy,
        t.direction,
        t.basis_state,
        t.currency,
        CASE WHEN e.quality = 'broker' THEN t.realized_net END AS realized_net,
        CASE
            WHEN e.quality = 'broker' THEN t.realized_net
            ELSE TRY(t.realized_gross + e.estimated_gross)
        END AS made,
        nine_places(abs(made)) AS short_size,
        nine_places(e.cost) AS short_whole
    FROM ended AS e
    INNER JOIN trade AS t
        ON t.venue = e.venue AND t.account = e.account AND t.mode = e.mode
        AND t.trade_id = e.trade_id
),

-- counts for the ratio: of billionths where that is exact, of the smallest unit otherwise
valued AS (
    SELECT
        *,
        coalesce(short_size = abs(made) AND short_whole = cost, FALSE) AS is_short,
        CASE WHEN is_short THEN billionths_of(short_size) END AS small_size,
        CASE WHEN is_short THEN billionths_of(short_whole) END AS small_whole,
        CASE WHEN NOT is_short THEN units_of_money(abs(made)) END AS size,
        CASE WHEN NOT is_short THEN units_of_money(cost) END AS whole
    FROM made
)

SELECT
    v.venue,
    v.account,
    v.mode,
    v.trade_id,
    v.subaccount,
    v.instrument_id,
    v.strategy,
    v.direction,
    n.decision_id,
    v.quality,
    CASE
        WHEN v.made IS NULL OR v.cost IS NULL THEN 'unknown'
        WHEN NOT coalesce(
            exceeds(v.small_size, billionths_of(s.breakeven_return), v.small_whole),
            exceeds(v.size, billionths_of(s.breakeven_return), v.whole)
        )
            THEN 'breakeven'
        WHEN v.made > 0 THEN 'win'
        ELSE 'loss'
    END AS result,
    CASE
        WHEN v.made IS NOT NULL AND v.cost IS NOT NULL THEN NULL
        WHEN v.quality = 'lost' THEN 'executions_missing'
        WHEN x.trade_sequence IS NOT NULL THEN 'two_currencies'
        WHEN v.basis_state = 'missing' OR v.cost IS NULL THEN 'basis_missing'
        WHEN v.quality <> 'broker' THEN 'executions_missing'
        ELSE 'fee_pending'
    END AS unknown_because,
    CASE
        WHEN y.meant IS NOT NULL THEN y.meant
        WHEN c.kind = 'fill' THEN 'not_told'
        ELSE c.kind
    END AS exit_reason,
    y.reason AS exit_reason_told,
    CASE
        WHEN w.meant IS NOT NULL THEN w.hit_tp
        WHEN c.kind <> 'fill' THEN FALSE
    END AS hit_tp,
    coalesce(w.exit_positions, []) AS exit_positions,
    v.cost,
    v.realized_net,
    v.estimated_gross,
    CASE
        WHEN v.small_whole > 0 AND v.small_size // v.small_whole < 1000000000
            THEN of_billionths(sign(v.made)::BIGINT * billionths_in(v.small_size, v.small_whole))
        WHEN v.whole > 0 AND v.whole <= 100000000000000000000000000000000000::HUGEINT
            AND v.size // v.whole < 1000000000
            THEN of_billionths(sign(v.made)::HUGEINT * billionths_in(v.size, v.whole))
    END AS return_on_cost,
    v.currency,
    v.opened_at,
    v.closed_at,
    (epoch_us(v.closed_at) - epoch_us(v.opened_at)) // 1000000 AS holding_seconds,
    coalesce(q.quotes, 0) AS quotes,
    q.mae,
    q.mfe,
    array_to_string(r.first_ones, ', ')
        || CASE WHEN r.more > 0 THEN ', ' || r.more || ' more' ELSE '' END AS executions,
    greatest(r.position, w.position, n.position, v.quote_position) AS known_at_position
FROM valued AS v
CROSS JOIN rule_setting AS s
INNER JOIN executed AS r ON r.trade_sequence = v.trade_sequence
LEFT JOIN movement AS c ON c.sequence = v.close_sequence
LEFT JOIN told AS w ON w.trade_sequence = v.trade_sequence
-- the broker's own end has the last word
LEFT JOIN told AS y
    ON y.trade_sequence = v.trade_sequence
    AND (c.kind = 'fill' OR y.exited_at >= v.closed_at - INTERVAL 60 SECOND)
LEFT JOIN mixed AS x ON x.trade_sequence = v.trade_sequence
LEFT JOIN excursion AS q ON q.trade_sequence = v.trade_sequence
LEFT JOIN entered AS n ON n.trade_sequence = v.trade_sequence;
