-- ibkr.open_order -> order_state: the order itself; its state comes in an order_status.
-- Where the order has no permanent id yet, client and number stand for it. A price of 0 is a limit
-- only where the type of the order has one.
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
    socket_text(p.orderRef) AS client_order_id,
    '0' AS subaccount,
    p.conId AS instrument_id,
    CASE
        WHEN p.action = 'BUY' THEN 'buy'
        WHEN p.action IN ('SELL', 'SSHORT', 'SLONG') THEN 'sell'
        ELSE p.action
    END AS side,
    socket_text(p.orderType) AS order_type,
    CASE
        WHEN contains(p.orderType, 'LMT') OR compared(socket_number(p.lmtPrice)) <> 0
            THEN socket_number(p.lmtPrice)
    END AS price,
    socket_number(p.totalQuantity) AS initial_quantity,
    received_at AS updated_at,
    NULL AS contradiction
FROM decoded
