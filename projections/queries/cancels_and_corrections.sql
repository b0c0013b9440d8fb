-- What did the broker take back, and what did it book instead?
-- The rows of one trade stand together; as they add, so do quantity and fee.
WITH cancelled AS (
    SELECT DISTINCT venue, account, mode, cancels_trade_id AS broker_trade_id
    FROM fill
    WHERE booking = 'cancel' AND cancels_trade_id IS NOT NULL
),

named AS (
    SELECT
        f.*,
        coalesce(f.cancels_trade_id, f.broker_trade_id) AS trade,
        f.booking = 'cancel' AS takes_back,
        row_number() OVER (
            PARTITION BY
                f.venue,
                f.account,
                f.mode,
                coalesce(f.cancels_trade_id, f.broker_trade_id),
                f.booking = 'cancel'
            ORDER BY f.sequence NULLS LAST, f.fill_id
        ) AS turn
    FROM fill AS f
    LEFT JOIN cancelled AS c USING (venue, account, mode, broker_trade_id)
    WHERE f.booking = 'cancel' OR c.broker_trade_id IS NOT NULL
)

SELECT
    concat_ws('/', account, mode) AS account,
    trade,
    CASE WHEN takes_back THEN 'cancel' WHEN turn = 1 THEN 'original' ELSE 'booked again' END AS row,
    coalesce(symbol, instrument_id) AS symbol,
    CASE side WHEN 'buy' THEN quantity ELSE -quantity END AS quantity,
    price,
    fee,
    report_date AS reported,
    position
FROM named
ORDER BY account, trade NULLS LAST, turn, takes_back, fill_id
