-- fill, merged_corporate_action, merged_transfer -> quantity_change (temporary): everything that
-- changes how much of an instrument an IBKR account holds, in order.
-- `day` is that of the statement that shows a row: an expiry of a Friday may be in Monday's.
-- A corporate action that takes units away closes what was held.
-- Currencies are cash, not positions. Corporate actions come behind the trades of their moment.
CREATE TEMP TABLE quantity_change AS
SELECT
    venue,
    account,
    mode,
    subaccount,
    instrument_id,
    executed_at AS moment,
    0 AS rank,
    sequence,
    fill_id AS id,
    CASE side WHEN 'buy' THEN units_of(quantity) ELSE -units_of(quantity) END AS units,
    CASE WHEN booking <> 'cancel' THEN open_close END AS open_close,
    NULL AS action_id,
    coalesce(report_date, statement_day(executed_at, asset_class)) AS day,
    position
FROM fill
WHERE venue = 'ibkr' AND asset_class <> 'CASH'
UNION ALL
SELECT
    venue, account, mode, 0, instrument_id, moved_at, 0, NULL, transfer_id, units_of(quantity),
    NULL,
    NULL, coalesce(report_date, new_york_day(moved_at)), position
FROM merged_transfer
WHERE instrument_id IS NOT NULL AND quantity <> 0 AND asset_class IS DISTINCT FROM 'CASH'
UNION ALL
SELECT
    venue, account, mode, 0, instrument_id, happened_at, 1, TRY_CAST(row_id AS BIGINT), row_id,
    units_of(quantity),
    CASE WHEN quantity < 0 THEN 'close' END, coalesce(action_id, 'row ' || row_id), report_date,
    position
FROM merged_corporate_action
WHERE quantity <> 0 AND asset_class <> 'CASH';
