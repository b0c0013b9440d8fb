-- fill, set_aside, merged_order_state -> order_life: every order with what was filled
-- of it.
-- Fills decide what was filled; a status alone never takes it away: a part that was filled before a
-- reject or a cancel keeps its size, cost and entries.
-- A statement numbers orders in its own way; where one fill is known under both numbers, the rows
-- that only a statement tells of (cancels, re-bookings) belong to the order too, also where they
-- name no order but the trade that they take back or book anew. They add.
-- The broker counts an order for a combination in combinations, so do size and price here; cost and
-- fees are those of its legs.
INSERT INTO order_life BY NAME
WITH paired AS (
    SELECT venue, account, mode, statement_order_id, min(order_id) AS order_id
    FROM fill
    WHERE order_id IS NOT NULL AND statement_order_id IS NOT NULL
    GROUP BY venue, account, mode, statement_order_id
    HAVING count(DISTINCT order_id) = 1
),

traded AS (
    SELECT venue, account, mode, broker_trade_id, min(order_id) AS order_id
    FROM fill
    WHERE order_id IS NOT NULL AND broker_trade_id IS NOT NULL
    GROUP BY venue, account, mode, broker_trade_id
    HAVING count(DISTINCT order_id) = 1
),

named AS (
    SELECT f.*, coalesce(f.order_id, p.order_id, t.order_id) AS whole_order_id
    FROM fill AS f
    LEFT JOIN paired AS p
        ON p.venue = f.venue AND p.account = f.account AND p.mode = f.mode
        AND p.statement_order_id = f.statement_order_id
    LEFT JOIN traded AS t
        ON t.venue = f.venue AND t.account = f.account AND t.mode = f.mode
        AND t.broker_trade_id = coalesce(f.cancels_trade_id, f.broker_trade_id)
    WHERE f.venue = 'ibkr'
    UNION ALL
    SELECT *, order_id FROM fill WHERE venue = 'kalshi'
),

counted AS (
    SELECT
        f.venue,
        f.account,
        f.mode,
        f.whole_order_id AS order_id,
        f.client_order_id,
        f.instrument_id,
        CASE f.side WHEN 'buy' THEN f.quantity ELSE -f.quantity END AS quantity,
        f.booking <> 'cancel' AS is_entry,
        f.price,
        (
            CASE f.side WHEN 'buy' THEN f.quantity ELSE -f.quantity END::DECIMAL(38, 8)
            * f.price * f.multiplier
        )::DECIMAL(38, 20) AS cost,
        f.fee,
        coalesce(f.fee_currency, f.currency) AS fee_currency,
        f.currency,
        f.executed_at
    FROM named AS f
    WHERE f.whole_order_id IS NOT NULL
),

combination AS (
    SELECT
        venue,
        account,
        mode,
        order_id,
        min(instrument_id) AS instrument_id,
        abs(sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END)) AS quantity,
        count(*) AS fills,
        sum(units_of(quantity)::HUGEINT * billionths_of(price))::HUGEINT AS worth,
        sum(units_of(quantity)::HUGEINT)::HUGEINT AS units,
        CASE WHEN min(price) = max(price) THEN min(price) END AS only_price
    FROM set_aside
    WHERE reason = 'combination' AND order_id IS NOT NULL
    GROUP BY venue, account, mode, order_id
),

filled AS (
    SELECT
        venue,
        account,
        mode,
        order_id,
        min(client_order_id) AS client_order_id,
        min(instrument_id) AS instrument_id,
        abs(sum(quantity)) AS quantity,
        count(*) FILTER (is_entry) AS fills,
        sum(units_of(quantity)::HUGEINT * billionths_of(price))::HUGEINT AS worth,
        sum(units_of(quantity)::HUGEINT)::HUGEINT AS units,
        CASE WHEN min(price) = max(price) THEN min(price) END AS only_price,
        sum(cost)::DECIMAL(38, 20) AS cost,
        CASE
            WHEN count(fee) = count(*) AND min(fee_currency) = max(fee_currency) THEN sum(fee)
        END::DECIMAL(38, 20) AS fees,
        min(currency) AS currency,
        min(executed_at) FILTER (is_entry) AS first_fill_at,
        max(executed_at) FILTER (is_entry) AS last_fill_at
    FROM counted
    GROUP BY venue, account, mode, order_id
),

whole AS (
    SELECT
        venue,
        account,
        mode,
        order_id,
        coalesce(f.client_order_id, s.client_order_id) AS client_order_id,
        coalesce(s.instrument_id, c.instrument_id, f.instrument_id) AS instrument_id,
        s.status,
        s.status IN (
            'canceled', 'executed', 'Filled', 'Cancelled', 'ApiCancelled', 'Inactive'
        ) AS ended,
        coalesce(s.initial_quantity, s.filled_quantity + s.remaining_quantity) AS asked_quantity,
        coalesce(c.quantity, f.quantity, 0)::DECIMAL(18, 8) AS filled_quantity,
        s.filled_quantity AS filled_reported,
        coalesce(c.fills, f.fills, 0) AS fills,
        coalesce(c.worth, f.worth) AS worth,
        coalesce(c.units, f.units) AS units,
        CASE WHEN c.order_id IS NULL THEN f.only_price ELSE c.only_price END AS only_price,
        f.cost,
        f.fees,
        f.currency,
        f.first_fill_at,
        f.last_fill_at
    FROM filled AS f
    FULL OUTER JOIN merged_order_state AS s USING (venue, account, mode, order_id)
    LEFT JOIN combination AS c USING (venue, account, mode, order_id)
)

SELECT
    * EXCLUDE (ended, worth, units, only_price),
    CASE
        WHEN greatest(filled_quantity, coalesce(filled_reported, 0)) >= asked_quantity
            AND filled_quantity > 0
            THEN 'filled'
        WHEN status IS NULL THEN 'unknown'
        WHEN NOT ended THEN 'working'
        WHEN status IN ('executed', 'Filled') THEN 'filled'
        WHEN greatest(filled_quantity, coalesce(filled_reported, 0)) > 0 THEN 'partly_filled'
        ELSE 'ended_unfilled'
    END AS state,
    CASE
        WHEN filled_reported IS NULL THEN 'unknown'
        WHEN filled_reported = filled_quantity THEN 'agrees'
        WHEN filled_reported > filled_quantity THEN 'fills_missing'
        ELSE 'state_behind'
    END AS agreement,
    CASE
        -- the mean of one price is that price, without a division of 128 bits
        WHEN units <> 0 AND only_price IS NOT NULL THEN only_price
        WHEN units <> 0
            THEN (worth // units)::DECIMAL(18, 0) * 0.000000001::DECIMAL(10, 9)
    END::DECIMAL(18, 9) AS average_price
FROM whole;
