-- bot.order_posted -> posted_order.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    coalesce(stated(p.order_id), 'client:' || p.client_order_id) AS posted_id,
    stated(p.order_id) AS order_id,
    stated(p.client_order_id) AS client_order_id,
    p.strategy AS strategy,
    p.instrument AS instrument_id,
    signed_side(p.side) AS side,
    p.quantity AS quantity,
    p.price AS price,
    stated(p.decision_id) AS decision_id,
    p.posted_at AS posted_at,
    received_at,
    CASE
        WHEN coalesce(p.order_id, '') = '' AND coalesce(p.client_order_id, '') = ''
            THEN 'order_id and client_order_id are both missing'
    END AS contradiction
FROM decoded
