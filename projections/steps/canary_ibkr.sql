-- opening, fill, instrument, carried_premium, quantity_change, merged_position_snapshot,
-- merged_fetch_log, merged_option_event, merged_corporate_action -> canary: what the ledger of IBKR
-- lacks, and what contradicts it.
-- An option that is settled in cash makes no row of the underlying. A corporate action of a sort
-- without a rule counts its units and its cash, but not what became of the cost.
-- What a row brought tells whether its price is of the unit that its quantity counts: bonds are
-- quoted in percent, some futures in cents. Futures bring nothing, currencies round.
-- Where the socket has told all positions of an account, what it left out is not held; what it
-- tells later is of one instrument. It tells of an account with all its segments. What was traded
-- within ten seconds may be in it or not.
INSERT INTO canary BY NAME
WITH counted AS (
    SELECT
        *,
        (
            CASE side WHEN 'buy' THEN -quantity ELSE quantity END::DECIMAL(38, 8)
            * price * multiplier
        )::DECIMAL(38, 20) AS worth
    FROM fill
    WHERE venue = 'ibkr'
),

-- everything that changed a position; what was there before came before everything
change AS (
    SELECT
        venue, main_account(account) AS owner, mode, instrument_id, moment, units::HUGEINT AS units
    FROM quantity_change
    UNION ALL
    SELECT
        venue, main_account(account), mode, instrument_id,
        TIMESTAMPTZ '0001-01-01 00:00:00+00', units_of(quantity)::HUGEINT
    FROM opening
),

-- the newest whole list of positions of each account
listed AS (
    SELECT broker AS venue, account, mode, started_at, ended_at, position
    FROM merged_fetch_log
    WHERE broker = 'ibkr' AND stream = 'positions' AND state = 'complete'
    QUALIFY row_number() OVER (
        PARTITION BY broker, account, mode ORDER BY started_at DESC, position DESC
    ) = 1
),

snapshot AS (
    SELECT s.*
    FROM merged_position_snapshot AS s
    LEFT JOIN listed AS l USING (venue, account, mode)
    WHERE s.venue = 'ibkr' AND s.told_by = 'socket'
        AND (l.started_at IS NULL OR s.as_of >= l.started_at)
),

stated AS (
    SELECT venue, account, mode, instrument_id, as_of, quantity, position
    FROM snapshot
    WHERE asset_class IS DISTINCT FROM 'CASH'
    QUALIFY row_number() OVER (
        PARTITION BY venue, account, mode, instrument_id ORDER BY as_of DESC
    ) = 1
    UNION ALL
    SELECT l.venue, l.account, l.mode, c.instrument_id, l.as_of, 0, l.position
    FROM (
        SELECT
            l.venue, l.account, l.mode, l.position,
            coalesce(min(s.as_of), l.ended_at) AS as_of
        FROM listed AS l
        LEFT JOIN snapshot AS s USING (venue, account, mode)
        GROUP BY l.venue, l.account, l.mode, l.position, l.ended_at
    ) AS l
    INNER JOIN (SELECT DISTINCT venue, owner, mode, instrument_id FROM change) AS c
        ON (c.venue, c.owner, c.mode) = (l.venue, main_account(l.account), l.mode)
    ANTI JOIN snapshot AS s
        ON (s.venue, s.account, s.mode, s.instrument_id)
            = (l.venue, l.account, l.mode, c.instrument_id)
),

held AS (
    SELECT
        s.venue,
        s.account,
        s.mode,
        s.instrument_id,
        s.as_of,
        s.quantity,
        s.position,
        (coalesce(sum(c.units) FILTER (c.moment <= s.as_of), 0)::DECIMAL(30, 0) * 0.00000001)
            ::DECIMAL(38, 20) AS by_ledger
    FROM stated AS s
    LEFT JOIN change AS c
        ON (c.venue, c.owner, c.mode, c.instrument_id)
            = (s.venue, main_account(s.account), s.mode, s.instrument_id)
    GROUP BY ALL
    HAVING count(*) FILTER (
        c.moment BETWEEN s.as_of - INTERVAL 10 SECONDS AND s.as_of + INTERVAL 10 SECONDS
    ) = 0
)

SELECT
    venue,
    account,
    mode,
    'opening_missing' AS rule,
    instrument_id AS subject,
    NULL AS found,
    NULL AS expected,
    i.symbol || ': ' || number_text(quantity) || ' held before the first row of '
    || new_york_day(before) || ' ('
    || evidence || '); nobody told what they cost' AS detail,
    position
FROM opening
INNER JOIN instrument AS i USING (venue, instrument_id)
UNION ALL BY NAME
SELECT
    f.venue,
    f.account,
    f.mode,
    'exercise_unpaired' AS rule,
    f.fill_id AS subject,
    NULL AS found,
    NULL AS expected,
    f.booking || ' of ' || coalesce(f.symbol, f.instrument_id)
    || ' without the row of what it was exercised into' AS detail,
    f.position
FROM counted AS f
ANTI JOIN carried_premium AS c USING (venue, account, mode, fill_id)
ANTI JOIN (
    SELECT venue, account, mode, trade_id AS broker_trade_id
    FROM merged_option_event
    WHERE event_type = 'Cash Settlement'
) AS e USING (venue, account, mode, broker_trade_id)
WHERE f.booking IN ('exercise', 'assignment')
    AND f.asset_class IN ('OPT', 'FOP')
    AND f.price = 0
    AND coalesce(f.proceeds, 0) = 0
UNION ALL BY NAME
SELECT
    f.venue,
    f.account,
    f.mode,
    'cancel_unmatched' AS rule,
    f.fill_id AS subject,
    NULL AS found,
    NULL AS expected,
    'takes back ' || coalesce('trade ' || f.cancels_trade_id, 'a trade that it does not name')
    || ', which is not in the ledger' AS detail,
    f.position
FROM counted AS f
ANTI JOIN counted AS o
    ON o.venue = f.venue
    AND o.account = f.account
    AND o.mode = f.mode
    AND o.broker_trade_id = f.cancels_trade_id
    AND o.booking <> 'cancel'
WHERE f.booking = 'cancel'
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    'action_unread' AS rule,
    row_id AS subject,
    NULL AS found,
    NULL AS expected,
    coalesce('action ' || action_type, 'action without a type') || ': ' || number_text(quantity)
    || ' of ' || coalesce(symbol, instrument_id) AS detail,
    position
FROM merged_corporate_action
WHERE coalesce(action_type, '') NOT IN ('FS', 'FI', 'RS', 'IC', 'TC', 'TO', 'SD', 'HD')
    AND quantity <> 0
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    'worth_differs' AS rule,
    fill_id AS subject,
    proceeds AS found,
    worth AS expected,
    coalesce(symbol, instrument_id) || ': proceeds of ' || number_text(quantity) || ' at '
    || number_text(price) || ' with multiplier ' || number_text(multiplier) AS detail,
    position
FROM counted
WHERE asset_class NOT IN ('FUT', 'CASH')
    AND abs(proceeds - worth) > 0.01 + abs(worth) * 0.001
UNION ALL BY NAME
SELECT
    h.venue,
    h.account,
    h.mode,
    'position_socket_differs' AS rule,
    h.instrument_id AS subject,
    h.quantity AS found,
    h.by_ledger AS expected,
    coalesce(i.symbol, h.instrument_id) || ': the position that the socket told at '
    || moment_text(h.as_of) || ' beside the rows up to then' AS detail,
    h.position
FROM held AS h
LEFT JOIN instrument AS i USING (venue, instrument_id)
WHERE h.quantity <> h.by_ledger
UNION ALL BY NAME
SELECT
    f.venue,
    f.account,
    f.mode,
    'execution_in_two_accounts' AS rule,
    f.fill_id AS subject,
    NULL AS found,
    NULL AS expected,
    number_text(f.quantity) || ' of ' || coalesce(f.symbol, f.instrument_id) || ' stand in '
    || o.account || ' too' AS detail,
    f.position
FROM counted AS f
INNER JOIN counted AS o
    ON (o.venue, o.account, o.mode, o.fill_id)
        = (f.venue, main_account(f.account), f.mode, f.fill_id)
WHERE o.account <> f.account;
