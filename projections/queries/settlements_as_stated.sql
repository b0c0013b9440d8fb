-- What would each settled market have made by the revenue that the broker states?
-- stated = revenue - cost - fees of the settlement alone, the formula of hand-written books;
-- ledger = net P&L of the lots; empty where fills or fees are not complete. The last row of an
-- account is the total of the markets that have both.
WITH lot AS (
    SELECT
        l.venue,
        l.account,
        l.mode,
        l.instrument_id,
        CASE WHEN count(*) = count(l.realized_net) THEN sum(l.realized_net) END AS net
    FROM lot_match AS l
    INNER JOIN settlement AS s
        ON s.venue = l.venue AND s.account = l.account AND s.mode = l.mode
        AND s.instrument_id = l.instrument_id AND l.closed_at <= s.settled_at
    GROUP BY ALL
),

compared AS (
    SELECT
        concat_ws('/', s.venue, s.account, s.mode) AS account,
        s.instrument_id,
        s.yes_quantity AS yes,
        s.no_quantity AS no,
        s.result,
        s.revenue_reported AS revenue,
        s.revenue_reported - s.yes_cost - s.no_cost - s.fee_reported AS stated,
        CASE WHEN s.fills_state = 'complete' THEN l.net END AS ledger,
        s.settled_at
    FROM settlement AS s
    LEFT JOIN lot AS l
        ON l.venue = s.venue AND l.account = s.account AND l.mode = s.mode
        AND l.instrument_id = s.instrument_id
),

shown AS (
    SELECT *, ledger - stated AS difference FROM compared
    UNION ALL BY NAME
    SELECT
        account,
        'total' AS instrument_id,
        sum(revenue) AS revenue,
        sum(stated) AS stated,
        sum(ledger) AS ledger,
        sum(ledger - stated) AS difference
    FROM compared
    WHERE ledger IS NOT NULL AND stated IS NOT NULL
    GROUP BY account
)

SELECT * EXCLUDE (settled_at)
FROM shown
ORDER BY account, settled_at NULLS LAST, instrument_id
