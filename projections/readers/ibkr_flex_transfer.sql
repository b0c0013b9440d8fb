-- ibkr.flex.transfer -> transfer.
-- The direction gives the sign: what goes out is negative, whether or not it is written so. A price
-- of 0 is one that was not stated.
WITH told AS (
    SELECT
        *,
        CASE upper(p.direction)
            WHEN 'IN' THEN 'in' WHEN 'OUT' THEN 'out' ELSE p.direction
        END AS way,
        ibkr_number(p.quantity) AS quantity_told,
        ibkr_number(p.cashTransfer) AS cash_told
    FROM decoded
)

SELECT
    position,
    generation,
    venue,
    account,
    mode,
    coalesce(ibkr_id(p.transactionID), ibkr_identity(key)) AS transfer_id,
    ibkr_stated(p.type) AS transfer_type,
    way AS direction,
    ibkr_id(p.conid) AS instrument_id,
    ibkr_stated(p.symbol) AS symbol,
    ibkr_stated(p.assetCategory) AS asset_class,
    CASE
        WHEN ibkr_id(p.conid) IS NOT NULL THEN ibkr_multiplier(p.multiplier, p.assetCategory)
    END AS multiplier,
    CASE
        WHEN way = 'out' THEN ibkr_negated(ibkr_size(quantity_told)) ELSE quantity_told
    END AS quantity,
    CASE
        WHEN ibkr_decimal(ibkr_number(p.transferPrice)) IS DISTINCT FROM 0
            THEN ibkr_number(p.transferPrice)
    END AS price,
    CASE WHEN way = 'out' THEN ibkr_negated(ibkr_size(cash_told)) ELSE cash_told END AS cash,
    p.currency AS currency,
    ibkr_time(
        coalesce(
            ibkr_stated(p.dateTime),
            ibkr_stated(p.date),
            ibkr_stated(p.reportDate),
            ibkr_stated(p.settleDate)
        )
    ) AS moved_at,
    ibkr_day(coalesce(ibkr_stated(p.reportDate), ibkr_stated(p.date))) AS report_date,
    CASE
        WHEN p.levelOfDetail = 'LOT' THEN 'level of detail LOT is not read'
        WHEN way = 'in' AND ibkr_decimal(quantity_told) < 0
            THEN 'direction IN with quantity ' || quantity_told
        WHEN way = 'in' AND ibkr_decimal(cash_told) < 0
            THEN 'direction IN with cash ' || cash_told
        ELSE ibkr_excess(
            p.assetCategory,
            quantity_told,
            ibkr_multiplier(p.multiplier, p.assetCategory),
            [p.cashTransfer],
            NULL
        )
    END AS contradiction
FROM told
