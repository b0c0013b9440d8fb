-- ibkr.flex.corporate_action -> corporate_action.
-- One row for each instrument; quantities are changes (a split gives only what it added).
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    coalesce(ibkr_id(p.transactionID), ibkr_identity(key)) AS row_id,
    ibkr_id(p.actionID) AS action_id,
    ibkr_stated(p.type) AS action_type,
    ibkr_id(p.conid) AS instrument_id,
    ibkr_stated(p.symbol) AS symbol,
    p.assetCategory AS asset_class,
    ibkr_multiplier(p.multiplier, p.assetCategory) AS multiplier,
    coalesce(ibkr_number(p.quantity), '0') AS quantity,
    coalesce(ibkr_number(p.proceeds), '0') AS proceeds,
    ibkr_number(p.fifoPnlRealized) AS realized_reported,
    ibkr_number(p.fxRateToBase) AS rate_to_base,
    p.currency AS currency,
    coalesce(ibkr_stated(p.actionDescription), ibkr_stated(p.description)) AS description,
    ibkr_time(coalesce(ibkr_stated(p.dateTime), ibkr_stated(p.reportDate))) AS happened_at,
    ibkr_day(coalesce(ibkr_stated(p.reportDate), ibkr_stated(p.dateTime))) AS report_date,
    CASE
        WHEN ibkr_stated(p.levelOfDetail) <> 'DETAIL'
            THEN 'level of detail ' || p.levelOfDetail || ' is not read'
        ELSE ibkr_excess(
            p.assetCategory,
            ibkr_number(p.quantity),
            ibkr_multiplier(p.multiplier, p.assetCategory),
            [p.proceeds, p.fifoPnlRealized],
            ibkr_number(p.fxRateToBase)
        )
    END AS contradiction
FROM decoded
