-- Where does the broker's own tax export differ from the ledger, market by market?
-- Only accounts of which an export was taken in; the differences are report - ledger. An empty
-- figure is one that a side does not have: markets outside the export's time, or without fills
-- here. lots_pending are lots whose fees are not known, and so not in the ledger's net.
WITH report AS (
    SELECT
        venue,
        account,
        mode,
        currency,
        instrument_id,
        count(*) AS rows,
        sum(realized_gross) AS gross,
        sum(realized_net) AS net
    FROM report_transaction
    WHERE row_type = 'trade' AND instrument_id IS NOT NULL
    GROUP BY ALL
),

lot AS (
    SELECT
        venue,
        account,
        mode,
        currency,
        instrument_id,
        count(*) AS lots,
        sum(realized_gross) AS gross,
        sum(realized_net) AS net,
        count(*) FILTER (fee_state = 'pending') AS lots_pending
    FROM lot_match
    SEMI JOIN report_transaction USING (venue, account, mode)
    GROUP BY ALL
)

SELECT
    concat_ws('/', venue, account, mode) AS account,
    instrument_id,
    r.rows,
    l.lots,
    r.gross AS report,
    l.gross AS ledger,
    r.gross - l.gross AS differs,
    r.net - l.net AS net_differs,
    coalesce(l.lots_pending, 0) AS lots_pending
FROM report AS r
FULL OUTER JOIN lot AS l USING (venue, account, mode, currency, instrument_id)
WHERE r.gross IS DISTINCT FROM l.gross OR r.net IS DISTINCT FROM l.net
ORDER BY abs(r.gross - l.gross) DESC NULLS LAST, account, instrument_id, currency
