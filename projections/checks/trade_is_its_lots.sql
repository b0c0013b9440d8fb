-- A round trip is the sum of its lots, closed and open; one lot that is unknown makes it unknown.
-- Its size is not compared where a corporate action paid for lots that live on: they come twice.
-- Any row is a fault of the code.
WITH closed AS (
    SELECT
        venue,
        account,
        mode,
        trade_id,
        sum(quantity) FILTER (close_kind <> 'corporate_action') AS quantity,
        sum(realized_gross) AS gross,
        count(*) FILTER (basis_state = 'missing') AS missing,
        count(*) FILTER (fees IS NULL) AS pending,
        sum(fees) AS fees,
        count(*) FILTER (close_kind = 'corporate_action') AS actions
    FROM lot_match
    GROUP BY ALL
),

open AS (
    SELECT venue, account, mode, trade_id, sum(quantity) AS quantity
    FROM open_lot
    GROUP BY ALL
),

lots AS (
    SELECT
        venue,
        account,
        mode,
        trade_id,
        coalesce(c.quantity, 0) + coalesce(o.quantity, 0) AS quantity,
        coalesce(c.actions, 0) AS actions,
        CASE WHEN coalesce(c.missing, 0) = 0 THEN coalesce(c.gross, 0) END AS gross,
        CASE
            WHEN coalesce(c.missing, 0) = 0 AND coalesce(c.pending, 0) = 0
                THEN coalesce(c.gross, 0) - coalesce(c.fees, 0)
        END AS net
    FROM closed AS c
    FULL OUTER JOIN open AS o USING (venue, account, mode, trade_id)
)

SELECT venue, account, mode, trade_id, t.quantity, l.quantity AS by_lots, t.realized_gross, l.gross,
    t.realized_net, l.net
FROM trade AS t
FULL OUTER JOIN lots AS l USING (venue, account, mode, trade_id)
WHERE (l.actions = 0 AND t.quantity IS DISTINCT FROM l.quantity)
    OR t.realized_gross IS DISTINCT FROM l.gross
    OR t.realized_net IS DISTINCT FROM l.net
