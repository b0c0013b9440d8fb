-- merged_decision, decision_fill, merged_posted_order, order_life, merged_order_state, trade_sum,
-- outcome, stream_coverage, merged_fetch_log, rule_setting -> decision_outcome: what became of each
-- decision, or why nothing is known of it.
-- Its trade is the one that its first opening fill is of; if all of its fills close, the one that
-- the first of them closes. What the broker took back is no fill.
-- That the broker has no order is known only where it was asked for a list of all, ended ones too
-- (Kalshi's), from the decision on, until an order has had time to show up.
INSERT INTO decision_outcome BY NAME
WITH filled AS (
    SELECT
        venue,
        account,
        mode,
        decision_id,
        count(*) FILTER (NOT taken_back) AS fills,
        count(*) FILTER (taken_back) AS taken_back,
        (sum(quantity) FILTER (NOT taken_back))::DECIMAL(38, 8) AS quantity,
        min(strength) AS strength,
        arg_min(order_id, (executed_at, fill_id)) AS order_id,
        arg_min(trade_sequence, (NOT opens, executed_at, fill_id)) AS trade_sequence,
        max(known_position) AS position
    FROM decision_fill
    GROUP BY ALL
),

-- the ids by which the broker may know its order
told AS (
    SELECT
        venue, account, mode, decision_id, instrument_id, order_id, client_order_id, position
    FROM merged_decision
    WHERE outcome = 'posted' AND (order_id IS NOT NULL OR client_order_id IS NOT NULL)
    UNION ALL
    SELECT
        d.venue, d.account, d.mode, d.decision_id, d.instrument_id, p.order_id, p.client_order_id,
        p.position
    FROM merged_decision AS d
    INNER JOIN merged_posted_order AS p
        ON p.venue = d.venue AND p.account = d.account AND p.mode = d.mode
        AND p.decision_id = d.decision_id AND p.instrument_id = d.instrument_id
    WHERE d.outcome = 'posted'
),

named AS (
    SELECT
        venue, account, mode, decision_id, min(order_id) AS order_id, max(position) AS position
    FROM told
    GROUP BY ALL
),

-- one of another instrument is there, and says no more
ordered AS (
    SELECT
        t.venue, t.account, t.mode, t.decision_id, o.order_id, o.state,
        o.instrument_id = t.instrument_id AS fits
    FROM told AS t
    INNER JOIN order_life AS o
        ON o.venue = t.venue AND o.account = t.account AND o.mode = t.mode
        AND o.order_id = t.order_id
    UNION
    SELECT
        t.venue, t.account, t.mode, t.decision_id, o.order_id, o.state,
        o.instrument_id = t.instrument_id
    FROM told AS t
    INNER JOIN order_life AS o
        ON o.venue = t.venue AND o.account = t.account AND o.mode = t.mode
        AND o.client_order_id = t.client_order_id
),

-- an order that several decisions tell says nothing of any of them
own AS (
    SELECT
        *,
        CASE
            WHEN fits AND count(*) OVER (PARTITION BY venue, account, mode, order_id, fits) = 1
                THEN state
            ELSE 'unknown'
        END AS own_state
    FROM ordered
),

answered AS (
    SELECT
        w.venue,
        w.account,
        w.mode,
        w.decision_id,
        min(w.order_id) FILTER (w.fits) AS order_id,
        bool_or(w.own_state = 'working') AS works,
        bool_and(w.own_state = 'ended_unfilled') AS ended,
        max(s.position) AS position
    FROM own AS w
    LEFT JOIN merged_order_state AS s
        ON s.venue = w.venue AND s.account = w.account AND s.mode = w.mode
        AND s.order_id = w.order_id
    GROUP BY w.venue, w.account, w.mode, w.decision_id
),

covered AS (
    SELECT
        d.venue,
        d.account,
        d.mode,
        d.decision_id,
        d.decided_at + s.order_grace_seconds * INTERVAL 1 SECOND AS due_at
    FROM merged_decision AS d
    CROSS JOIN rule_setting AS s
    SEMI JOIN stream_coverage AS c
        ON c.venue = d.venue AND c.account = d.account AND c.mode = d.mode
        AND c.covered_from <= d.decided_at
        AND c.covered_until >= d.decided_at + s.order_grace_seconds * INTERVAL 1 SECOND
        AND c.stream = 'orders'
    WHERE d.outcome = 'posted' AND d.venue = 'kalshi'
),

-- the first event from which on somebody has been asked for a time this late
asked AS (
    SELECT
        broker AS venue,
        account,
        mode,
        covered_until,
        min(position) OVER (
            PARTITION BY broker, account, mode ORDER BY covered_until DESC
        ) AS position
    FROM merged_fetch_log
    WHERE state = 'complete' AND covered_until IS NOT NULL
        AND stream = 'orders'
),

reached AS (
    SELECT c.venue, c.account, c.mode, c.decision_id, a.position
    FROM covered AS c
    ASOF INNER JOIN (
        SELECT venue, account, mode, covered_until, min(position) AS position
        FROM asked
        GROUP BY ALL
    ) AS a
        ON a.venue = c.venue AND a.account = c.account AND a.mode = c.mode
        AND a.covered_until >= c.due_at
),

stated AS (
    SELECT
        d.*,
        CASE
            WHEN d.outcome <> 'posted' THEN d.outcome
            WHEN f.fills > 0 AND o.result <> 'unknown' THEN 'resolved'
            -- an exchange of currencies is of no trade
            WHEN f.fills > 0 AND (o.result = 'unknown' OR t.trade_id IS NULL) THEN 'result_unknown'
            WHEN f.fills > 0 THEN 'open'
            WHEN f.taken_back > 0 THEN 'not_filled'
            WHEN a.works THEN 'working'
            WHEN a.ended THEN 'not_filled'
            WHEN a.decision_id IS NULL AND n.decision_id IS NOT NULL AND c.position IS NOT NULL
                THEN 'not_seen'
            ELSE 'unknown'
        END AS state,
        f.strength,
        coalesce(n.order_id, a.order_id, f.order_id) AS own_order_id,
        coalesce(f.fills, 0) AS fills,
        coalesce(f.quantity, 0)::DECIMAL(38, 8) AS filled_quantity,
        CASE WHEN f.fills > 0 THEN t.trade_id END AS trade_id,
        CASE WHEN f.fills > 0 THEN o.result END AS result,
        CASE WHEN f.fills > 0 THEN o.hit_tp END AS hit_tp,
        coalesce(f.position, 0) AS fill_position,
        coalesce(n.position, 0) AS named_position,
        coalesce(a.position, 0) AS order_position,
        coalesce(c.position, 0) AS asked_position,
        CASE WHEN f.fills > 0 THEN o.known_at_position END AS outcome_position
    FROM merged_decision AS d
    LEFT JOIN filled AS f
        ON f.venue = d.venue AND f.account = d.account AND f.mode = d.mode
        AND f.decision_id = d.decision_id AND d.outcome = 'posted'
    LEFT JOIN trade_sum AS t ON t.trade_sequence = f.trade_sequence
    LEFT JOIN outcome AS o
        ON o.venue = t.venue AND o.account = t.account AND o.mode = t.mode
        AND o.trade_id = t.trade_id
    LEFT JOIN named AS n
        ON n.venue = d.venue AND n.account = d.account AND n.mode = d.mode
        AND n.decision_id = d.decision_id
    LEFT JOIN answered AS a
        ON a.venue = d.venue AND a.account = d.account AND a.mode = d.mode
        AND a.decision_id = d.decision_id
    LEFT JOIN reached AS c
        ON c.venue = d.venue AND c.account = d.account AND c.mode = d.mode
        AND c.decision_id = d.decision_id
)

SELECT
    venue,
    account,
    mode,
    decision_id,
    strategy,
    instrument_id,
    decided_at,
    outcome,
    state,
    CASE WHEN fills = 0 THEN 'none' ELSE
        ['order', 'client_order_id', 'posted_order', 'attribution'][strength]
    END AS linked_by,
    own_order_id AS order_id,
    fills,
    filled_quantity,
    trade_id,
    result,
    hit_tp,
    CASE
        WHEN state IN ('shadow', 'skipped') THEN position
        WHEN state IN ('resolved', 'result_unknown', 'open')
            THEN greatest(position, fill_position, coalesce(outcome_position, 0))
        WHEN state = 'not_seen' THEN greatest(position, named_position, asked_position)
        ELSE greatest(position, named_position, order_position, fill_position)
    END AS known_at_position
FROM stated;
