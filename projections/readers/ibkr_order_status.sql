-- ibkr.order_status -> order_state: how far an order is. What it is stands in its open_order.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    CASE
        WHEN p.permId NOT IN ('', '0') THEN p.permId
        ELSE p.clientId || '-' || p.orderId
    END AS order_id,
    '0' AS subaccount,
    p.status AS status,
    socket_number(p.filled) AS filled_quantity,
    socket_number(p.remaining) AS remaining_quantity,
    received_at AS updated_at,
    CASE
        WHEN p.status = '' THEN 'an order status without a status'
        -- what is filled and what is left are added up
        WHEN ibkr_compared_quantity(socket_number(p.filled)) >= 5000000000
            OR ibkr_compared_quantity(socket_number(p.remaining)) >= 5000000000
            THEN 'filled ' || p.filled || ' and remaining ' || p.remaining || ': beyond measure'
    END AS contradiction
FROM decoded
