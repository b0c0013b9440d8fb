-- bot.order_posted -> posted_order. One without any id has no posted_id, and is unreadable.
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
    NULL::VARCHAR AS contradiction
FROM decoded
