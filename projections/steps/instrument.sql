-- every table that names an instrument -> instrument.
-- A Kalshi ticker is SERIES-EVENT-STRIKE: the series ends at the first dash, the strike begins
-- behind the last one, except that a strike may be negative (T-5). What the exchange says of the
-- event outranks what the ticker looks like.
-- An IBKR conid says nothing: what is told of it last counts, a statement's list of securities over
-- everything else. Its family is the underlying.
INSERT INTO instrument BY NAME
WITH named AS (
    SELECT venue, instrument_id, NULL AS event_by_market, event AS event_by_settlement
    FROM merged_settlement
    UNION ALL
    SELECT venue, instrument_id, event, NULL FROM merged_market
    UNION ALL
    SELECT DISTINCT venue, instrument_id, NULL, NULL FROM fill WHERE venue = 'kalshi'
    UNION ALL
    SELECT DISTINCT venue, instrument_id, NULL, NULL
    FROM merged_order_state
    WHERE venue = 'kalshi'
    UNION ALL
    SELECT DISTINCT venue, instrument_id, NULL, NULL
    FROM merged_position_snapshot
    WHERE venue = 'kalshi'
),

single AS (
    SELECT
        venue,
        instrument_id,
        coalesce(max(event_by_market), max(event_by_settlement)) AS event_said,
        regexp_extract(instrument_id, '^(.*)-([TB]-?[0-9]+(\.[0-9]+)?)$', 2) AS numeric_strike,
        regexp_extract(instrument_id, '^(.*)-([^-]*)$', 2) AS last_part
    FROM named
    GROUP BY venue, instrument_id
),

parsed AS (
    SELECT
        *,
        CASE WHEN numeric_strike <> '' THEN numeric_strike ELSE last_part END AS strike_text
    FROM single
),

told AS (
    SELECT
        venue, instrument_id, asset_class, symbol, underlying_id, underlying_symbol, expires_on,
        strike, option_right, multiplier, executed_at AS told_at
    FROM merged_fill
    WHERE venue = 'ibkr'
    UNION ALL BY NAME
    SELECT venue, instrument_id, asset_class, symbol, multiplier, as_of AS told_at
    FROM merged_position_snapshot
    WHERE venue = 'ibkr'
    UNION ALL BY NAME
    SELECT venue, instrument_id, asset_class, symbol, multiplier, happened_at AS told_at
    FROM merged_corporate_action
    UNION ALL BY NAME
    SELECT venue, instrument_id, asset_class, symbol, multiplier, moved_at AS told_at
    FROM merged_transfer
    WHERE instrument_id IS NOT NULL
    UNION ALL BY NAME
    SELECT
        venue, instrument_id, asset_class, symbol, underlying_id, underlying_symbol, expires_on,
        strike, option_right, multiplier, TIMESTAMPTZ '9999-01-01 00:00:00+00' AS told_at
    FROM merged_security
    UNION ALL BY NAME
    SELECT venue, instrument_id, TIMESTAMPTZ '0001-01-01 00:00:00+00' AS told_at
    FROM merged_order_state
    WHERE venue = 'ibkr' AND instrument_id IS NOT NULL
    UNION ALL BY NAME
    SELECT venue, instrument_id, TIMESTAMPTZ '0001-01-01 00:00:00+00' AS told_at
    FROM merged_option_event
),

-- rows of one moment in the order of what they say, so that the order of arrival does not matter
newest AS (
    SELECT
        venue,
        instrument_id,
        arg_max(asset_class, (told_at, asset_class)) AS asset_class,
        arg_max(symbol, (told_at, symbol)) AS symbol,
        arg_max(underlying_id, (told_at, underlying_id)) AS underlying_id,
        arg_max(underlying_symbol, (told_at, underlying_symbol)) AS underlying_symbol,
        arg_max(expires_on, (told_at, expires_on)) AS expires_on,
        arg_max(strike, (told_at, strike)) AS strike,
        arg_max(option_right, (told_at, option_right)) AS option_right,
        arg_max(multiplier, (told_at, multiplier)) AS multiplier
    FROM told
    GROUP BY venue, instrument_id
)

SELECT
    venue,
    instrument_id,
    'EVENT' AS asset_class,
    instrument_id AS symbol,
    split_part(instrument_id, '-', 1) AS family,
    split_part(instrument_id, '-', 1) AS series,
    coalesce(
        event_said,
        CASE
            WHEN strike_text = '' THEN instrument_id
            ELSE left(instrument_id, length(instrument_id) - length(strike_text) - 1)
        END
    ) AS event,
    strike_text,
    CASE
        WHEN numeric_strike LIKE 'T%' THEN 'threshold'
        WHEN numeric_strike LIKE 'B%' THEN 'bracket'
        ELSE 'other'
    END AS strike_kind,
    CASE
        WHEN regexp_full_match(numeric_strike[2:], '-?[0-9]{1,9}(\.[0-9]{1,9})?')
            THEN numeric_strike[2:]::DECIMAL(18, 9)
    END AS strike,
    NULL AS underlying_id,
    NULL AS expires_on,
    1 AS multiplier
FROM parsed
UNION ALL BY NAME
SELECT
    venue,
    instrument_id,
    coalesce(asset_class, '') AS asset_class,
    coalesce(symbol, instrument_id) AS symbol,
    coalesce(underlying_symbol, symbol, instrument_id) AS family,
    coalesce(underlying_symbol, symbol, instrument_id) AS series,
    concat_ws(
        ' ', coalesce(underlying_symbol, symbol, instrument_id), strftime(expires_on, '%Y-%m-%d')
    ) AS event,
    CASE WHEN option_right IS NULL THEN '' ELSE number_text(strike) || ' ' || option_right END
        AS strike_text,
    coalesce(option_right, 'other') AS strike_kind,
    CASE WHEN option_right IS NOT NULL THEN strike END AS strike,
    underlying_id,
    expires_on,
    multiplier
FROM newest;
