-- ibkr.flex.trade_confirm -> fill.
-- What the activity statement says again the next day, under other names: the id of the execution
-- is the same, so the two are one fill. Codes for open and close stand among the other codes.
WITH told AS (
    SELECT
        *,
        ibkr_number(p.quantity) AS signed,
        ibkr_stated(p.transactionType) AS transaction_type,
        ibkr_multiplier(p.multiplier, p.assetCategory) AS units,
        ibkr_id(p.execID) AS exec_id,
        ibkr_stated(p.orderReference) AS reference,
        CASE
            WHEN ibkr_stated(p.commission) IS NOT NULL
                THEN ibkr_negated(
                    ibkr_sum([p.commission, p.tax, p.salesTax, p.tradeCharge, p.otherTax])
                )
        END AS cost
    FROM decoded
)

SELECT
    position,
    generation,
    venue,
    account,
    mode,
    coalesce(exec_id, ibkr_identity(key)) AS fill_id,
    CASE WHEN transaction_type IS DISTINCT FROM 'BookTrade' THEN ibkr_id(p.orderID) END
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
    coalesce(ibkr_booking(transaction_type, p.code), 'execution') AS booking,
    'confirmation' AS told_by,
    ibkr_id(p.tradeID) AS broker_trade_id,
    CASE
        WHEN ibkr_booking(transaction_type, p.code) = 'cancel' THEN ibkr_id(p.origTradeID)
    END AS cancels_trade_id,
    ibkr_open_close(p.code) AS open_close,
    CASE WHEN starts_with(signed, '-') THEN 'sell' ELSE 'buy' END AS side,
    ibkr_size(signed) AS quantity,
    ibkr_number(p.price) AS price,
    units AS multiplier,
    cost AS fee,
    CASE
        WHEN cost IS NOT NULL THEN coalesce(ibkr_stated(p.commissionCurrency), p.currency)
    END AS fee_currency,
    p.currency AS currency,
    ibkr_number(p.proceeds) AS proceeds,
    ibkr_number(p.netCash) AS net_cash,
    ibkr_time(
        coalesce(
            ibkr_stated(p.dateTime),
            ibkr_stated(p.tradeDate) || ';' || ibkr_stated(p.tradeTime),
            ibkr_stated(p.tradeDate),
            ibkr_stated(p.reportDate)
        )
    ) AS executed_at,
    ibkr_day(p.reportDate) AS report_date,
    coalesce(
        CASE
            WHEN exec_id IS NULL
                THEN 'a confirmation without execID: take the row from an activity statement'
        END,
        ibkr_trade_contradiction(
            ibkr_stated(p.levelOfDetail), transaction_type, p.code, signed, p.buySell, units
        ),
        ibkr_pair_contradiction(p.assetCategory, ibkr_stated(p.symbol)),
        ibkr_excess(p.assetCategory, signed, units, [p.proceeds, p.netCash], NULL),
        ibkr_trade_excess(signed, ibkr_number(p.price), units, ibkr_number(p.strike), cost)
    ) AS contradiction
FROM told
