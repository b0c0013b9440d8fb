-- Macros that readers of Interactive Brokers share. As in reading.sql, a text that does not fit
-- comes back as it is, so that the check of the fact's column finds it and names it.

-- Text that may be absent: IBKR writes "", "-", "--" or "N/A" where it has none.
CREATE OR REPLACE TEMP MACRO ibkr_stated(told) AS
    CASE WHEN told NOT IN ('', '-', '--', 'N/A') THEN told END;

-- An id that may be absent: 0 is none either.
CREATE OR REPLACE TEMP MACRO ibkr_id(told) AS nullif(ibkr_stated(told), '0');

-- A number as plain digits: without a plus sign, and without commas where they part thousands.
CREATE OR REPLACE TEMP MACRO ibkr_number(told) AS
    CASE
        WHEN regexp_full_match(ibkr_stated(told), '[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?')
            THEN ltrim(replace(told, ',', ''), '+')
        WHEN regexp_full_match(ibkr_stated(told), '\+[0-9].*') THEN substring(told, 2)
        ELSE ibkr_stated(told)
    END;

-- A number for sums and comparisons, NULL where the text is none or has more than 12 places.
CREATE OR REPLACE TEMP MACRO ibkr_decimal(number) AS
    CASE
        WHEN regexp_full_match(number, '-?[0-9]{1,18}(\.[0-9]{1,12})?')
            THEN TRY_CAST(number AS DECIMAL(38, 12)) -- tidy: allow TRY_CAST - 12 places fit
    END;

-- The number with the other sign.
CREATE OR REPLACE TEMP MACRO ibkr_negated(number) AS
    CASE
        WHEN regexp_full_match(number, '-[0-9.]+') THEN substring(number, 2)
        WHEN regexp_full_match(number, '[0-9.]+') THEN '-' || number
        ELSE number
    END;

-- The number without its sign.
CREATE OR REPLACE TEMP MACRO ibkr_size(number) AS regexp_replace(number, '^-', '');

-- How many digits stand ahead of the point.
CREATE OR REPLACE TEMP MACRO ibkr_digits(number) AS
    length(regexp_extract(number, '^[-+]?0*([0-9]*)', 1));

-- Those of several numbers that are stated.
CREATE OR REPLACE TEMP MACRO ibkr_numbers(told) AS
    list_transform(
        list_filter(told, lambda it: ibkr_stated(it) IS NOT NULL), lambda it: ibkr_number(it)
    );

-- Their sum; NULL where none is stated.
CREATE OR REPLACE TEMP MACRO ibkr_sum(told) AS
    CASE
        WHEN len(ibkr_numbers(told)) = 0 THEN NULL
        WHEN len(list_filter(ibkr_numbers(told), lambda it: ibkr_decimal(it) IS NULL)) > 0
            THEN array_to_string(ibkr_numbers(told), ' + ')
        ELSE list_sum(list_transform(ibkr_numbers(told), lambda it: ibkr_decimal(it)))::VARCHAR
    END;

-- A day, told as yyyymmdd or yyyy-mm-dd, with or without a time behind it.
CREATE OR REPLACE TEMP MACRO ibkr_day(told) AS
    CASE
        WHEN regexp_full_match(ibkr_stated(told), '[0-9]{8}((;|, ?| |T).*)?')
            THEN substring(told, 1, 4) || '-' || substring(told, 5, 2) || '-'
                || substring(told, 7, 2)
        WHEN regexp_full_match(ibkr_stated(told), '[0-9]{4}-[0-9]{2}-[0-9]{2}((;|, ?| |T).*)?')
            THEN substring(told, 1, 10)
        ELSE ibkr_stated(told)
    END;

-- Whether a text is a day, or a day and a time of day, as Flex queries can be set to write them.
CREATE OR REPLACE TEMP MACRO ibkr_is_time(told) AS
    regexp_full_match(
        told,
        '([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})'
        '((;|, ?| |T)([0-9]{6}|[0-9]{2}:[0-9]{2}:[0-9]{2})( (EST|EDT))?)?'
    );

-- Its digits as the text of a moment without a zone; a bare day is its midnight.
CREATE OR REPLACE TEMP MACRO ibkr_local(told) AS
    regexp_replace(
        rpad(regexp_replace(told, '[^0-9]', '', 'g'), 14, '0'),
        '(....)(..)(..)(..)(..)(..)',
        '\1-\2-\3 \4:\5:\6'
    );

-- A time of a statement as UTC text. Statements speak New York time, whatever the account; of an
-- hour that comes twice the second one counts, unless EDT or EST is said.
CREATE OR REPLACE TEMP MACRO ibkr_time(told) AS
    CASE
        WHEN ibkr_is_time(ibkr_stated(told))
            AND TRY_CAST(ibkr_local(told) AS TIMESTAMP) IS NOT NULL
            THEN CASE
                WHEN ends_with(told, 'EDT') THEN replace(ibkr_local(told), ' ', 'T') || '-04:00'
                WHEN ends_with(told, 'EST') THEN replace(ibkr_local(told), ' ', 'T') || '-05:00'
                ELSE strftime(
                    TRY_CAST(ibkr_local(told) AS TIMESTAMP) AT TIME ZONE 'America/New_York'
                    AT TIME ZONE 'UTC',
                    '%Y-%m-%dT%H:%M:%SZ'
                )
            END
        ELSE ibkr_stated(told)
    END;

-- Whether a list of codes ("IA;P") has one.
CREATE OR REPLACE TEMP MACRO ibkr_has(codes, code) AS
    list_contains(string_split(replace(coalesce(codes, ''), ' ', ''), ';'), code);

-- What stands behind venue, account, mode and kind in the key of an event: its identity.
CREATE OR REPLACE TEMP MACRO ibkr_identity(key) AS
    regexp_replace(key, '^[^|]*\|[^|]*\|[^|]*\|[^|]*\|', '');

-- Units of the underlying: 1 where none are told, but for what has a multiplier by its nature.
CREATE OR REPLACE TEMP MACRO ibkr_multiplier(told, asset_class) AS
    CASE
        WHEN ibkr_number(told) IS NOT NULL THEN ibkr_number(told)
        WHEN asset_class NOT IN ('OPT', 'FUT', 'FOP', 'FSFOP', 'FSOPT', 'SSF', 'IOPT', 'WAR')
            THEN '1'
    END;

-- call or put, from C and P.
CREATE OR REPLACE TEMP MACRO ibkr_right(told) AS
    CASE ibkr_stated(told)
        WHEN 'C' THEN 'call' WHEN 'P' THEN 'put' ELSE ibkr_stated(told)
    END;

-- Whether a trade opened or closed a position, from codes.
CREATE OR REPLACE TEMP MACRO ibkr_open_close(codes) AS
    CASE
        WHEN ibkr_has(codes, 'O') AND ibkr_has(codes, 'C') THEN 'both'
        WHEN ibkr_has(codes, 'O') THEN 'open'
        WHEN ibkr_has(codes, 'C') THEN 'close'
    END;

-- How a trade was booked, from its type and codes. NULL for a type that nobody knows.
CREATE OR REPLACE TEMP MACRO ibkr_booking(transaction_type, codes) AS
    CASE
        WHEN transaction_type IN ('TradeCancel', 'FracShareCancel') THEN 'cancel'
        WHEN transaction_type IN ('ExchTrade', 'FracShare', 'DvpTrade', 'TradeCorrect')
            THEN 'execution'
        WHEN transaction_type IS NOT NULL AND transaction_type <> 'BookTrade' THEN NULL
        WHEN transaction_type IS NULL AND ibkr_has(codes, 'Ca') THEN 'cancel'
        WHEN ibkr_has(codes, 'Ep') THEN 'expiry'
        WHEN ibkr_has(codes, 'Ex') THEN 'exercise'
        WHEN ibkr_has(codes, 'A') THEN 'assignment'
        WHEN transaction_type = 'BookTrade' THEN 'booked'
        ELSE 'execution'
    END;

-- What keeps a row of trades from being what it says, NULL if nothing.
CREATE OR REPLACE TEMP MACRO ibkr_trade_contradiction(
    row_level, transaction_type, codes, number, bought_sold, units
) AS
    CASE
        WHEN row_level <> 'EXECUTION' THEN 'level of detail ' || row_level || ' is not read'
        WHEN ibkr_booking(transaction_type, codes) IS NULL
            THEN 'transaction type ' || transaction_type || ' is not known'
        WHEN ibkr_decimal(number) = 0 THEN 'quantity is 0'
        WHEN ibkr_decimal(units) <= 0 THEN 'multiplier ' || units || ' is not positive'
        -- a cancel may repeat the word of what it takes back
        WHEN bought_sold IN ('BUY', 'SELL')
            AND ibkr_booking(transaction_type, codes) = 'cancel' THEN NULL
        WHEN (starts_with(number, '-') AND bought_sold IN ('BUY', 'SELL (Ca.)'))
            OR (NOT starts_with(number, '-') AND bought_sold IN ('SELL', 'BUY (Ca.)'))
            THEN bought_sold || ' of quantity ' || number
    END;

-- What follows keeps one odd row from stopping a rebuild: what nobody ever traded is no number to
-- compute with. Sums over a thousand rows of one instrument stay within their types: units within
-- 64 bits and 10 digits, amounts within 18.

-- What is too much of a row: ten million units, but ten thousand million of a currency; a
-- multiplier of a hundred million; an amount of a million million; a rate of a hundred thousand.
CREATE OR REPLACE TEMP MACRO ibkr_excess(asset_class, number, units, amounts, rate) AS
    CASE
        WHEN ibkr_digits(number) > CASE WHEN asset_class = 'CASH' THEN 10 ELSE 7 END
            THEN 'quantity ' || number || ' is beyond measure'
        WHEN ibkr_digits(units) > 8 THEN 'multiplier ' || units || ' is beyond measure'
        WHEN ibkr_digits(rate) > 5 THEN 'rate ' || rate || ' is beyond measure'
        WHEN len(list_filter(amounts, lambda it: ibkr_digits(ibkr_number(it)) > 12)) > 0
            THEN 'an amount is beyond measure'
    END;

-- Quantity, price and multiplier, to compare what comes of them; NULL where a text is none. The
-- widest type comes first: a product is no wider than what it is of.
CREATE OR REPLACE TEMP MACRO ibkr_compared_quantity(number) AS
    TRY_CAST(number AS DECIMAL(38, 8)); -- tidy: allow TRY_CAST - compared, never stored
CREATE OR REPLACE TEMP MACRO ibkr_compared_price(price) AS
    TRY_CAST(price AS DECIMAL(38, 9)); -- tidy: allow TRY_CAST - compared, never stored
CREATE OR REPLACE TEMP MACRO ibkr_compared_units(units) AS
    TRY_CAST(units AS DECIMAL(12, 3)); -- tidy: allow TRY_CAST - compared, never stored

-- The same of a trade: by what it is worth, where a product that does not even fit is too much, and
-- by the fee, of which an option's end may hand over those of many lots.
CREATE OR REPLACE TEMP MACRO ibkr_trade_excess(number, price, units, strike, fee) AS
    CASE
        WHEN ibkr_digits(fee) > 7 THEN 'an amount is beyond measure'
        WHEN coalesce(
            abs(TRY(
                ibkr_compared_quantity(number) * ibkr_compared_price(price)
                * ibkr_compared_units(units)
            )) >= 1000000000000,
            true
        )
            THEN 'its worth is beyond measure'
        WHEN abs(TRY(ibkr_compared_price(strike) * ibkr_compared_units(units))) >= 1000000000000
            THEN 'its worth is beyond measure'
    END;

-- A trade of currencies says which two: the one that was bought or sold, and the one it cost.
CREATE OR REPLACE TEMP MACRO ibkr_pair_contradiction(asset_class, symbol) AS
    CASE
        WHEN asset_class = 'CASH'
            AND NOT regexp_full_match(coalesce(symbol, ''), '[A-Z]{3}\.[A-Z]{3}')
            THEN 'a currency pair is expected, not ' || coalesce(symbol, 'nothing')
    END;
