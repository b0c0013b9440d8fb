-- Every fill has one row of attribution, each names a strategy, and what rests on nothing is
-- unattributed. By account and currency the strategies, unattributed among them, add up to what the
-- round trips and the lots say, as far as those are known. Any row is a fault of the code.
WITH rows_of AS (
    SELECT venue, account, mode, count(*) AS fills, 0 AS attributions
    FROM fill
    GROUP BY ALL
    UNION ALL
    SELECT venue, account, mode, 0, count(*)
    FROM attribution
    GROUP BY ALL
),

sums AS (
    SELECT
        'by strategy' AS what,
        venue,
        account,
        mode,
        currency,
        strategy,
        realized_gross AS gross,
        realized_net AS net
    FROM daily_pnl
    UNION ALL
    SELECT 'by lot', venue, account, mode, currency, strategy, realized_gross, realized_net
    FROM lot_match
),

accounts AS (
    SELECT
        venue,
        account,
        mode,
        currency,
        sum(gross) FILTER (what = 'by strategy') AS gross_by_strategy,
        sum(gross) FILTER (what = 'by lot') AS gross_by_lot,
        sum(net) FILTER (what = 'by strategy') AS net_by_strategy,
        sum(net) FILTER (what = 'by lot') AS net_by_lot
    FROM sums
    GROUP BY ALL
),

-- of a round trip with one unknown lot the result is unknown
unknown_trade AS (
    SELECT venue, account, mode, trade_id, realized_gross IS NULL AS gross_unknown
    FROM trade
    WHERE realized_net IS NULL
),

trips AS (
    SELECT
        venue,
        account,
        mode,
        currency,
        realized_gross AS gross,
        realized_net AS net,
        0::DECIMAL(38, 20) AS lot_gross,
        0::DECIMAL(38, 20) AS lot_net
    FROM trade
    UNION ALL
    SELECT
        l.venue,
        l.account,
        l.mode,
        l.currency,
        0,
        0,
        CASE WHEN NOT coalesce(u.gross_unknown, FALSE) THEN l.realized_gross END,
        CASE WHEN u.trade_id IS NULL THEN l.realized_net END
    FROM lot_match AS l
    LEFT JOIN unknown_trade AS u
        ON u.venue = l.venue AND u.account = l.account AND u.mode = l.mode
        AND u.trade_id = l.trade_id
)

SELECT 'fill without attribution' AS what, f.venue, f.account, f.mode, f.fill_id AS subject
FROM fill AS f
LEFT JOIN attribution AS a ON a.position = f.position
WHERE a.fill_id IS DISTINCT FROM f.fill_id OR a.venue <> f.venue OR a.account <> f.account
    OR a.mode <> f.mode
UNION ALL
SELECT
    'fills and rows of attribution',
    venue,
    account,
    mode,
    concat(sum(fills), ' and ', sum(attributions))
FROM rows_of
GROUP BY ALL
HAVING sum(fills) <> sum(attributions)
UNION ALL
SELECT 'attribution without strategy or evidence', venue, account, mode, fill_id
FROM attribution
WHERE strategy IS NULL OR strategy = ''
    OR (strategy = 'unattributed') <> (confidence = 'none')
    OR (strategy <> 'unattributed' AND len(evidence_positions) = 0)
UNION ALL
SELECT 'strategies and lots', venue, account, mode, currency
FROM accounts
WHERE gross_by_strategy IS DISTINCT FROM gross_by_lot OR net_by_strategy IS DISTINCT FROM net_by_lot
UNION ALL
SELECT 'round trips and lots', venue, account, mode, currency
FROM trips
GROUP BY venue, account, mode, currency
HAVING coalesce(sum(gross), 0) <> coalesce(sum(lot_gross), 0)
    OR coalesce(sum(net), 0) <> coalesce(sum(lot_net), 0)
