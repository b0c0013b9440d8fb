-- merged_posted_order, fill, set_aside, merged_order_state, stream_coverage, rule_setting ->
-- canary: orders that the bot posted and that the broker does not know, or knows as others.
-- Only a broker that lists its orders can be asked for one that was never filled: Kalshi. The list
-- has to cover the time from the posting on, until an order has had time to show up. Interactive
-- Brokers lists the orders that work at the moment: nothing follows from one that is not there.
-- An order is known by the broker's id, else by the bot's own.
INSERT INTO canary BY NAME
WITH told AS (
    SELECT
        p.venue, p.account, p.mode, p.posted_id, p.instrument_id, p.side,
        t.instrument_id AS told_instrument_id, t.side AS told_side
    FROM merged_posted_order AS p
    INNER JOIN fill AS t USING (venue, account, mode, order_id)
    UNION ALL
    SELECT
        p.venue, p.account, p.mode, p.posted_id, p.instrument_id, p.side,
        t.instrument_id, t.side
    FROM merged_posted_order AS p
    INNER JOIN merged_order_state AS t USING (venue, account, mode, order_id)
    UNION ALL
    -- of a combination the legs are filled, and the bot has posted the whole
    SELECT
        p.venue, p.account, p.mode, p.posted_id, p.instrument_id, p.side,
        t.instrument_id, t.side
    FROM merged_posted_order AS p
    INNER JOIN set_aside AS t USING (venue, account, mode, order_id)
),

known AS (
    SELECT
        venue,
        account,
        mode,
        posted_id,
        bool_or(
            coalesce(instrument_id = told_instrument_id, TRUE) AND coalesce(side = told_side, TRUE)
        ) AS fits,
        min(concat_ws(' of ', told_side, told_instrument_id)) AS told
    FROM told
    GROUP BY venue, account, mode, posted_id
),

-- of what the broker's ids do not find
found AS (
    SELECT p.venue, p.account, p.mode, p.posted_id
    FROM merged_posted_order AS p
    SEMI JOIN (
        SELECT venue, account, mode, client_order_id FROM fill
        UNION ALL
        SELECT venue, account, mode, client_order_id FROM merged_order_state
    ) AS t USING (venue, account, mode, client_order_id)
)

SELECT
    p.venue,
    p.account,
    p.mode,
    'order_not_seen' AS rule,
    p.posted_id AS subject,
    NULL AS found,
    NULL AS expected,
    'posted at ' || moment_text(p.posted_at) || ' by ' || p.strategy || ' on ' || p.instrument_id
    || '; the broker, asked for its orders up to ' || moment_text(c.covered_until)
    || ', has none of this id' AS detail,
    p.position
FROM merged_posted_order AS p
CROSS JOIN rule_setting AS s
INNER JOIN stream_coverage AS c
    ON c.venue = p.venue
    AND c.account = p.account
    AND c.mode = p.mode
    AND c.covered_from <= p.posted_at
    AND c.covered_until >= p.posted_at + s.order_grace_seconds * INTERVAL 1 SECOND
ANTI JOIN known AS k
    ON k.venue = p.venue
    AND k.account = p.account
    AND k.mode = p.mode
    AND k.posted_id = p.posted_id
ANTI JOIN found AS f
    ON f.venue = p.venue
    AND f.account = p.account
    AND f.mode = p.mode
    AND f.posted_id = p.posted_id
WHERE c.venue = 'kalshi' AND c.stream = 'orders'
UNION ALL BY NAME
SELECT
    p.venue,
    p.account,
    p.mode,
    'posted_order_differs' AS rule,
    p.posted_id AS subject,
    NULL AS found,
    NULL AS expected,
    'recorded by ' || p.strategy || ' as ' || concat_ws(' of ', p.side, p.instrument_id)
    || ', known to the broker as ' || k.told AS detail,
    p.position
FROM merged_posted_order AS p
INNER JOIN known AS k USING (venue, account, mode, posted_id)
WHERE NOT k.fits;
