-- ibkr.flex.trade -> fill.
-- Rows add: a cancel has the sign of what undoes the original, a re-booking is a row of its own,
-- and the sum over all of them is the truth for quantity, cash and commission. The sign of the
-- quantity says the side; a commission is negative where it costs.
WITH told AS (
    SELECT
        *,
        ibkr_number(p.quantity) AS signed,
        ibkr_stated(p.transactionType) AS transaction_type,
        ibkr_multiplier(p.multiplier, p.assetCategory) AS units,
        ibkr_id(p.ibExecID) AS exec_id,
        ibkr_id(p.transactionID) AS transaction_id,
        ibkr_id(p.tradeID) AS trade_id,
        ibkr_stated(p.orderReference) AS reference,
        CASE
            WHEN ibkr_stated(p.ibCommission) IS NOT NULL
                THEN ibkr_negated(ibkr_sum([p.ibCommission, p.taxes]))
        END AS cost
    FROM decoded
)

SELECT
    position,
    generation,
    venue,
    account,
    mode,
    coalesce(
        exec_id,
        'transaction-' || transaction_id,
        'trade-' || trade_id || '-' || transaction_type,
        ibkr_identity(key)
    ) AS fill_id,
    -- what was booked without an order carries its own transactionID there
    CASE WHEN transaction_type IS DISTINCT FROM 'BookTrade' THEN ibkr_id(p.ibOrderID) END
        AS statement_order_id,
    reference AS client_order_id,
    CASE WHEN reference IS NOT NULL THEN 'fill' END AS client_order_evidence,
    CASE WHEN reference IS NOT NULL THEN position END AS client_order_position,
    ibkr_id(p.conid) AS instrument_id,
    p.assetCategory AS asset_class,
    ibkr_stated(p.symbol) AS symbol,
    ibkr_id(p.underlyingConid) AS underlying_id,
    ibkr_stated(p.underlyingSymbol) AS underlying_symbol,
    ibkr_day(p.expiry) AS expires_on,
    ibkr_number(p.strike) AS strike,
    ibkr_right(p.putCall) AS option_right,
    coalesce(ibkr_booking(transaction_type, p.notes), 'execution') AS booking,
    'statement' AS told_by,
    trade_id AS broker_trade_id,
    CASE
        WHEN ibkr_booking(transaction_type, p.notes) = 'cancel' THEN ibkr_id(p.origTradeID)
    END AS cancels_trade_id,
    coalesce(
        ibkr_open_close(p.openCloseIndicator), ibkr_stated(p.openCloseIndicator)
    ) AS open_close,
    CASE WHEN starts_with(signed, '-') THEN 'sell' ELSE 'buy' END AS side,
    ibkr_size(signed) AS quantity,
    ibkr_number(p.tradePrice) AS price,
    units AS multiplier,
    cost AS fee,
    CASE
        WHEN cost IS NOT NULL THEN coalesce(ibkr_stated(p.ibCommissionCurrency), p.currency)
    END AS fee_currency,
    p.currency AS currency,
    ibkr_number(p.proceeds) AS proceeds,
    ibkr_number(p.netCash) AS net_cash,
    ibkr_number(p.fifoPnlRealized) AS realized_reported,
    ibkr_number(p.fxRateToBase) AS rate_to_base,
    ibkr_time(
        coalesce(
            ibkr_stated(p.dateTime),
            ibkr_stated(p.tradeDate) || ';' || ibkr_stated(p.tradeTime),
            ibkr_stated(p.tradeDate),
            ibkr_stated(p.reportDate)
        )
    ) AS executed_at,
    ibkr_day(coalesce(ibkr_stated(p.reportDate), ibkr_stated(p.tradeDate))) AS report_date,
    CASE
        WHEN regexp_full_match(transaction_id, '[0-9]{1,18}') THEN transaction_id
    END AS sequence,
    coalesce(
        ibkr_trade_contradiction(
            ibkr_stated(p.levelOfDetail), transaction_type, p.notes, signed, p.buySell, units
        ),
        ibkr_pair_contradiction(p.assetCategory, ibkr_stated(p.symbol)),
        ibkr_excess(
            p.assetCategory,
            signed,
            units,
            [p.proceeds, p.netCash, p.fifoPnlRealized],
            ibkr_number(p.fxRateToBase)
        ),
        ibkr_trade_excess(signed, ibkr_number(p.tradePrice), units, ibkr_number(p.strike), cost)
    ) AS contradiction
FROM told
