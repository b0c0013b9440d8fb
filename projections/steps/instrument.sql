-- every table that names an instrument -> instrument.
-- A Kalshi ticker is SERIES-EVENT-STRIKE: the series ends at the first dash, the strike begins
-- behind the last one, except that a strike may be negative (T-5). What the exchange says of the
-- event outranks what the ticker looks like.
INSERT INTO instrument BY NAME
WITH named AS (
    SELECT venue, instrument_id, NULL AS event_by_market, event AS event_by_settlement
    FROM merged_settlement
    UNION ALL
    SELECT venue, instrument_id, event, NULL FROM merged_market
    UNION ALL
    SELECT DISTINCT venue, instrument_id, NULL, NULL FROM fill
    UNION ALL
    SELECT DISTINCT venue, instrument_id, NULL, NULL FROM merged_order_state
    UNION ALL
    SELECT DISTINCT venue, instrument_id, NULL, NULL FROM merged_position_snapshot
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
)

SELECT
    venue,
    instrument_id,
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
    END AS strike
FROM parsed;
