-- ibkr.position -> position_snapshot: a position as the socket tells it; flat ones are told as 0.
-- avgCost is that of one contract, fees included: not of one unit of the underlying.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.conId AS instrument_id,
    '0' AS subaccount,
    as_of,
    socket_number(p.position) AS quantity,
    socket_number(p.avgCost) AS average_price,
    coalesce(socket_text(p.localSymbol), socket_text(p.symbol)) AS symbol,
    p.secType AS asset_class,
    socket_multiplier(p.multiplier) AS multiplier,
    'socket' AS told_by,
    p.currency AS currency,
    ibkr_excess(
        p.secType, socket_number(p.position), socket_multiplier(p.multiplier), [], NULL
    ) AS contradiction
FROM decoded
