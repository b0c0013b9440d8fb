-- Macros of the readers of IBKR's socket. Text that does not fit comes back as it is, so that the
-- check of the fact's column finds it and names it; nothing is rounded on the way.

-- A number as it was told: '' and the largest double that there is both say that there is none.
-- Java writes large and small numbers with an exponent (1.2345678E7).
CREATE OR REPLACE TEMP MACRO socket_number(told) AS
    CASE
        WHEN told IN ('', '1.7976931348623157E308', '1.7976931348623157E+308') THEN NULL
        WHEN regexp_full_match(told, '-?[0-9]\.[0-9]{1,16}E-?[0-9]{1,2}')
            THEN coalesce(
                CASE
                    WHEN length(regexp_extract(told, '\.([0-9]+)E', 1))
                        - TRY_CAST(regexp_extract(told, 'E(.+)', 1) AS INTEGER) <= 18
                        -- exact: no more places than the type has
                        THEN rtrim(rtrim(
                            TRY_CAST(told AS DECIMAL(38, 18)) -- tidy: allow TRY_CAST - exact here
                                ::VARCHAR,
                            '0'
                        ), '.')
                END,
                told
            )
        ELSE told
    END;

-- A name that may be absent.
CREATE OR REPLACE TEMP MACRO socket_text(told) AS nullif(told, '');

-- A zone that the engine knows, and by one meaning alone. Abbreviations such as BST or IST, which
-- it would take for zones of Asia, are none.
CREATE OR REPLACE TEMP MACRO socket_zone(zone) AS
    CASE
        WHEN (
            contains(zone, '/') OR zone IN (
                'UTC', 'GMT', 'EST', 'MST', 'HST', 'EST5EDT', 'CST6CDT', 'MST7MDT', 'PST8PDT',
                'CET', 'EET', 'MET', 'WET', 'Japan', 'Hongkong', 'Singapore', 'PRC', 'ROK', 'GB'
            )
        )
        AND zone IN (SELECT name FROM pg_timezone_names()) THEN zone
    END;

-- A local time in a zone as UTC text; NULL where zone or time are none.
CREATE OR REPLACE TEMP MACRO socket_moment(digits, clock, zone) AS
    strftime(
        timezone(
            socket_zone(zone),
            TRY_CAST(
                digits[1:4] || '-' || digits[5:6] || '-' || digits[7:8] || ' ' || clock AS TIMESTAMP
            )
        ) AT TIME ZONE 'UTC',
        '%Y-%m-%dT%H:%M:%SZ'
    );

-- The time of an execution as UTC text:
--   20260105 10:00:01 America/New_York    in the zone that it names
--   20260105  10:00:01                    in that of the gateway, where the book says which it is
--   20260105-15:00:01                     UTC
--   1767625201                            seconds since 1970
CREATE OR REPLACE TEMP MACRO socket_time(told, gateway_zone) AS
    coalesce(
        CASE
            WHEN regexp_full_match(told, '[0-9]{8}-[0-9]{2}:[0-9]{2}:[0-9]{2}')
                THEN socket_moment(told[1:8], told[10:17], 'UTC')
            WHEN regexp_full_match(told, '[0-9]{8} +[0-9]{2}:[0-9]{2}:[0-9]{2}')
                THEN socket_moment(told[1:8], told[-8:], gateway_zone)
            WHEN regexp_full_match(told, '[0-9]{8} +[0-9]{2}:[0-9]{2}:[0-9]{2} +[^ ]+')
                THEN socket_moment(
                    told[1:8],
                    regexp_extract(told, ' ([0-9:]{8}) ', 1),
                    regexp_extract(told, ' ([^ ]+)$', 1)
                )
            WHEN regexp_full_match(told, '[0-9]{9,11}') THEN time_of_seconds(told)
        END,
        told
    );

-- The last day of an option or future: a month alone names none.
CREATE OR REPLACE TEMP MACRO socket_day(told) AS
    CASE
        WHEN told IN ('', '0') OR regexp_full_match(told, '[0-9]{6}') THEN NULL
        WHEN regexp_full_match(told, '[0-9]{8}( .*)?')
            THEN told[1:4] || '-' || told[5:6] || '-' || told[7:8]
        ELSE told
    END;

-- Empty means one unit a contract.
CREATE OR REPLACE TEMP MACRO socket_multiplier(told) AS
    coalesce(nullif(socket_number(told), '0'), '1');
