-- How many trades of each strategy were won and lost, and of how many is it not known?
-- Trades that only the bot holds closed are counted apart; net has only what the broker closed.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    strategy,
    count(*) AS trades,
    count(*) FILTER (result = 'win') AS won,
    count(*) FILTER (result = 'loss') AS lost,
    count(*) FILTER (result = 'breakeven') AS even,
    count(*) FILTER (result = 'unknown') AS unknown,
    count(*) FILTER (hit_tp) AS took_profit,
    count(*) FILTER (quality <> 'broker') AS by_bot_alone,
    sum(realized_net) AS net,
    currency
FROM outcome
GROUP BY ALL
ORDER BY account, strategy, currency
