-- ibkr.execution -> fill: an execution as the socket tells it, at once and without its commission.
-- A correction comes as an execution of its own, with the same stem and a higher suffix (fill.sql).
-- A combination is told as BAG beside its legs, and set aside there too.
-- Invariants checked per row: side is BOT or SLD, quantity > 0.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.execId AS fill_id,
    CASE WHEN p.permId NOT IN ('', '0') THEN p.permId END AS order_id,
    socket_text(p.orderRef) AS client_order_id,
    CASE WHEN socket_text(p.orderRef) IS NOT NULL THEN 'fill' END AS client_order_evidence,
    CASE WHEN socket_text(p.orderRef) IS NOT NULL THEN position END AS client_order_position,
    '0' AS subaccount,
    p.conId AS instrument_id,
    p.secType AS asset_class,
    coalesce(socket_text(p.localSymbol), socket_text(p.symbol)) AS symbol,
    CASE WHEN p.secType NOT IN ('STK', 'CASH', 'BAG') THEN socket_text(p.symbol) END
        AS underlying_symbol,
    socket_day(p.lastTradeDate) AS expires_on,
    CASE WHEN p.secType IN ('OPT', 'FOP', 'WAR', 'IOPT', 'EC') THEN socket_number(p.strike) END
        AS strike,
    CASE
        WHEN p.right IN ('C', 'CALL') THEN 'call'
        WHEN p.right IN ('P', 'PUT') THEN 'put'
        WHEN p.right NOT IN ('', '0', '?') THEN p.right
    END AS option_right,
    'execution' AS booking,
    'socket' AS told_by,
    CASE p.side WHEN 'BOT' THEN 'buy' WHEN 'SLD' THEN 'sell' ELSE p.side END AS side,
    socket_number(p.shares) AS quantity,
    socket_number(p.price) AS price,
    socket_multiplier(p.multiplier) AS multiplier,
    p.currency AS currency,
    socket_time(p.time, p.gateway_zone) AS executed_at,
    CASE p.lastLiquidity WHEN '1' THEN 'maker' WHEN '2' THEN 'taker' END AS liquidity,
    coalesce(
        CASE
            WHEN compared(socket_number(p.shares)) <= 0
                THEN 'quantity ' || p.shares || ' is not positive'
        END,
        ibkr_pair_contradiction(
            p.secType, coalesce(socket_text(p.localSymbol), socket_text(p.symbol))
        ),
        ibkr_excess(
            p.secType, socket_number(p.shares), socket_multiplier(p.multiplier), [], NULL
        ),
        ibkr_trade_excess(
            socket_number(p.shares),
            socket_number(p.price),
            socket_multiplier(p.multiplier),
            socket_number(p.strike),
            NULL
        )
    ) AS contradiction
FROM decoded
