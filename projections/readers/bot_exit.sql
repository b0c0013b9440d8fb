-- bot.exit -> bot_exit.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.instrument AS instrument_id,
    p.exited_at AS exited_at,
    coalesce(stated(p.exit_id), stated(p.order_id), stated(p.client_order_id), '-') AS exit_id,
    p.reason AS reason,
    stated(p.order_id) AS order_id,
    stated(p.client_order_id) AS client_order_id,
    stated(p.decision_id) AS decision_id,
    p.quantity AS quantity,
    p.price AS price,
    coalesce(p.last, false) AS is_last,
    NULL::VARCHAR AS contradiction
FROM decoded
