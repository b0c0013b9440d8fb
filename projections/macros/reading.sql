-- Macros that readers share. Text that does not fit comes back as it is, so that the check of the
-- fact's column finds it and names it; nothing is rounded and nothing becomes NULL on the way.

-- DuckDB may compute a cast of a struct's member before it looks at the condition in front of it: a
-- cast behind a guard must not raise, hence TRY_CAST.

-- Whole cents as dollars; an empty cell is a value that was not stated.
CREATE OR REPLACE TEMP MACRO dollars_of_cents(cents) AS
    CASE
        WHEN cents = '' THEN NULL
        WHEN regexp_full_match(cents, '-?[0-9]{1,18}')
            THEN (TRY_CAST(cents AS BIGINT) * 0.01::DECIMAL(3, 2))::VARCHAR
        ELSE cents || ' cents'
    END;

-- Whole hundredths of a cent as dollars.
CREATE OR REPLACE TEMP MACRO dollars_of_centicents(centicents) AS
    CASE
        WHEN regexp_full_match(centicents, '-?[0-9]{1,18}')
            THEN (TRY_CAST(centicents AS BIGINT) * 0.0001::DECIMAL(5, 4))::VARCHAR
        ELSE centicents || ' hundredths of a cent'
    END;

-- Unix seconds as UTC text.
CREATE OR REPLACE TEMP MACRO time_of_seconds(seconds) AS
    CASE
        WHEN regexp_full_match(seconds, '[0-9]{1,11}')
            THEN strftime(
                make_timestamp(TRY_CAST(seconds AS BIGINT) * 1000000), '%Y-%m-%dT%H:%M:%SZ'
            )
        ELSE seconds || ' seconds'
    END;

-- Unix milliseconds as UTC text.
CREATE OR REPLACE TEMP MACRO time_of_milliseconds(milliseconds) AS
    CASE
        WHEN regexp_full_match(milliseconds, '[0-9]{1,14}')
            THEN strftime(
                make_timestamp(TRY_CAST(milliseconds AS BIGINT) * 1000), '%Y-%m-%dT%H:%M:%S.%fZ'
            )
        ELSE milliseconds || ' milliseconds'
    END;

-- A number for comparisons only, NULL where the text is none; values go through the guard of their
-- column instead.
CREATE OR REPLACE TEMP MACRO compared(number) AS
    TRY_CAST(number AS DECIMAL(18, 6)); -- tidy: allow TRY_CAST - compared, never stored

-- An identifier that may be absent: the API says "" where it has none.
CREATE OR REPLACE TEMP MACRO stated(value) AS nullif(value, '');

-- A bot's side as that of the one signed contract.
CREATE OR REPLACE TEMP MACRO signed_side(side) AS
    CASE side WHEN 'yes' THEN 'buy' WHEN 'no' THEN 'sell' ELSE side END;

-- Whether an event had been received by a moment. "received_at" is the first member of an envelope;
-- one that does not say it counts, and is found unreadable.
CREATE OR REPLACE TEMP MACRO received_by(envelope, moment) AS
    coalesce(
        TRY_CAST(
            regexp_extract(envelope, '^\{"received_at":"([^"]*)"', 1) AS TIMESTAMPTZ
        ) <= moment,
        true
    );
