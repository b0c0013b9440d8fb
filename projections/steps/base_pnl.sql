-- lot_match, fill, merged_corporate_action, merged_account_profile, merged_fx_rate -> base_pnl:
-- realized P&L of each lot of IBKR in the account's base currency.
-- The base currency is what a statement says; else the one to which its daily rates convert; else
-- the only one whose rows all bear a rate of 1; a segment has that of its account. A closing row
-- states a rate even where nobody names the currency.
-- The rate is that of the day of closing: what the closing row states, else the day's own in New
-- York. Opening and closing are not converted at different rates: that is how IBKR states P&L, and
-- what the currency itself made or lost is not in it.
INSERT INTO base_pnl BY NAME
WITH rate_to AS (
    SELECT venue, main_account(account) AS owner, mode, min(to_currency) AS base_currency
    FROM merged_fx_rate
    GROUP BY venue, owner, mode
    HAVING count(DISTINCT to_currency) = 1
),

currency_at_one AS (
    SELECT venue, main_account(account) AS owner, mode, currency
    FROM fill
    WHERE rate_to_base IS NOT NULL
    GROUP BY venue, owner, mode, currency
    HAVING bool_and(rate_to_base = 1)
),

rate_of_one AS (
    SELECT venue, owner, mode, min(currency) AS base_currency
    FROM currency_at_one
    GROUP BY venue, owner, mode
    HAVING count(*) = 1
),

closing AS (
    SELECT venue, account, mode, fill_id AS close_id, false AS by_action, rate_to_base, position
    FROM fill
    WHERE venue = 'ibkr' AND rate_to_base IS NOT NULL
    UNION ALL
    SELECT venue, account, mode, row_id, true, rate_to_base, position
    FROM merged_corporate_action
    WHERE rate_to_base IS NOT NULL
),

based AS (
    SELECT
        l.*,
        coalesce(p.base_currency, r.base_currency, o.base_currency) AS base_currency
    FROM (SELECT *, main_account(account) AS owner FROM lot_match WHERE venue = 'ibkr') AS l
    LEFT JOIN merged_account_profile AS p
        ON p.venue = l.venue AND p.account = l.owner AND p.mode = l.mode
    LEFT JOIN rate_to AS r ON r.venue = l.venue AND r.owner = l.owner AND r.mode = l.mode
    LEFT JOIN rate_of_one AS o ON o.venue = l.venue AND o.owner = l.owner AND o.mode = l.mode
),

rated AS (
    SELECT
        l.*,
        CASE
            WHEN l.currency = l.base_currency THEN 'same_currency'
            WHEN c.rate_to_base IS NOT NULL THEN 'closing_row'
            WHEN x.rate IS NOT NULL THEN 'daily_rate'
            ELSE 'missing'
        END AS rate_source,
        CASE
            WHEN l.currency = l.base_currency THEN 1
            ELSE coalesce(c.rate_to_base, x.rate)
        END::DECIMAL(18, 9) AS rate,
        CASE
            WHEN l.currency IS DISTINCT FROM l.base_currency
                THEN coalesce(c.position, x.position)
        END AS rate_position
    FROM based AS l
    LEFT JOIN closing AS c
        ON c.venue = l.venue
        AND c.account = l.account
        AND c.mode = l.mode
        AND c.close_id = l.close_id
        AND c.by_action = (l.close_kind = 'corporate_action')
    LEFT JOIN merged_fx_rate AS x
        ON x.venue = l.venue
        AND main_account(x.account) = l.owner
        AND x.mode = l.mode
        AND x.day = new_york_day(l.closed_at)
        AND x.from_currency = l.currency
        AND x.to_currency = l.base_currency
)

SELECT
    venue,
    account,
    mode,
    subaccount,
    instrument_id,
    open_fill_id,
    close_id,
    closed_at,
    currency,
    base_currency,
    rate,
    rate_source,
    at_rate(realized_gross, rate) AS realized_gross,
    at_rate(realized_net, rate) AS realized_net,
    rate_position
FROM rated;
