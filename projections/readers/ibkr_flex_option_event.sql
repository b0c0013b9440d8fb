-- ibkr.flex.option_event -> option_event.
-- Commentary on rows of trades with the same tradeID: it never counts by itself.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    coalesce(ibkr_id(p.tradeID), ibkr_identity(key)) AS trade_id,
    ibkr_stated(p.transactionType) AS event_type,
    ibkr_id(p.conid) AS instrument_id,
    ibkr_number(p.quantity) AS quantity,
    ibkr_number(p.tradePrice) AS price,
    ibkr_number(p.markPrice) AS mark_price,
    ibkr_number(p.realizedPnl) AS realized_reported,
    p.currency AS currency,
    ibkr_day(p.date) AS day,
    NULL AS contradiction
FROM decoded
