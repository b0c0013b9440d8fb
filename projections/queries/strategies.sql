-- Do each strategy's decisions, orders and fills go together, and how far is that known?
-- What is unknown is neither zero nor "not yet"; net is empty where a fee or a cost is not known.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    strategy,
    state,
    posted_decisions AS posted,
    posted_since_fill AS since_fill,
    posted_orders AS orders,
    fills,
    date_trunc('second', last_fill_at AT TIME ZONE 'UTC') AS last_fill,
    realized_net AS net,
    currency AS ccy
FROM strategy_status
ORDER BY account, strategy
