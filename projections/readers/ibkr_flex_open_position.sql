-- ibkr.flex.open_position -> position_snapshot.
-- A position at the end of the day that the envelope's as_of names.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    ibkr_id(p.conid) AS instrument_id,
    '0' AS subaccount,
    as_of,
    ibkr_number(p.position) AS quantity,
    ibkr_number(p.costBasisMoney) AS exposure,
    ibkr_number(p.costBasisPrice) AS average_price,
    ibkr_number(p.markPrice) AS mark_price,
    ibkr_number(p.positionValue) AS market_value,
    ibkr_number(p.fifoPnlUnrealized) AS unrealized_pnl,
    ibkr_stated(p.symbol) AS symbol,
    ibkr_stated(p.assetCategory) AS asset_class,
    ibkr_number(p.multiplier) AS multiplier,
    'statement' AS told_by,
    p.currency AS currency,
    CASE
        WHEN ibkr_stated(p.levelOfDetail) <> 'SUMMARY'
            THEN 'level of detail ' || p.levelOfDetail || ' is not read'
        WHEN (p.side = 'Long' AND starts_with(p.position, '-'))
            OR (p.side = 'Short' AND NOT starts_with(p.position, '-'))
            THEN p.side || ' of quantity ' || p.position
        ELSE ibkr_excess(
            p.assetCategory,
            ibkr_number(p.position),
            ibkr_number(p.multiplier),
            [p.costBasisMoney, p.positionValue, p.fifoPnlUnrealized],
            NULL
        )
    END AS contradiction
FROM decoded
