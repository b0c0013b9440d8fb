-- fill -> cancelled_fill (temporary): executions that the broker took back, and the rows that did
-- it.
-- A cancel names the tradeID of its original. A re-booking has the same tradeID, and may be taken
-- back in turn: the first cancel is of the first booking, the second of the second.
-- Such a pair is matched with each other alone. It is out of the way of first in, first out: its
-- quantities and its prices cancel out, its fees remain.
CREATE TEMP TABLE cancelled_fill AS
WITH booked AS (
    SELECT *, row_number() OVER (
        PARTITION BY venue, account, mode, broker_trade_id ORDER BY sequence NULLS LAST, fill_id
    ) AS turn
    FROM fill
    WHERE booking <> 'cancel' AND broker_trade_id IS NOT NULL
),

cancels AS (
    SELECT *, row_number() OVER (
        PARTITION BY venue, account, mode, cancels_trade_id ORDER BY sequence NULLS LAST, fill_id
    ) AS turn
    FROM fill
    WHERE booking = 'cancel' AND cancels_trade_id IS NOT NULL
),

pairs AS (
    SELECT c.venue, c.account, c.mode, b.fill_id AS original, c.fill_id AS cancel
    FROM cancels AS c
    INNER JOIN booked AS b
        ON b.broker_trade_id = c.cancels_trade_id
        AND (b.venue, b.account, b.mode, b.turn) = (c.venue, c.account, c.mode, c.turn)
    WHERE b.instrument_id = c.instrument_id AND b.quantity = c.quantity AND b.side <> c.side
)

SELECT venue, account, mode, original AS fill_id, original AS cancelled FROM pairs
UNION ALL
SELECT venue, account, mode, cancel, original FROM pairs;
