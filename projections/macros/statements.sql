-- Macros of the steps that set the ledger beside statements.

-- The day in New York: statements are made there, and a day of theirs ends at its midnight.
CREATE OR REPLACE TEMP MACRO new_york_day(moment) AS
    (moment AT TIME ZONE 'America/New_York')::DATE;

-- The day in whose statement an execution will stand that no statement has told yet. Sessions of
-- futures and currencies end at 17:00; what is done later is the next day's. Shares and their
-- options are traded until 20:00.
CREATE OR REPLACE TEMP MACRO statement_day(moment, asset_class) AS
    new_york_day(
        moment + CASE
            WHEN asset_class IN ('FUT', 'FOP', 'CASH') THEN INTERVAL 7 HOURS
            ELSE INTERVAL 4 HOURS
        END
    );

-- The end of a day in New York.
CREATE OR REPLACE TEMP MACRO new_york_end(day) AS
    ((day + INTERVAL 1 DAY)::TIMESTAMP AT TIME ZONE 'America/New_York');

-- The account that a segment belongs to: U1234567F is the segment F of U1234567, in whose statement
-- its rows stand.
CREATE OR REPLACE TEMP MACRO main_account(account) AS
    regexp_replace(account, '([0-9])[A-Z]$', '\1');

-- An amount without its whole units, in units of 1e-20; ten places at a time, because all twenty
-- at once overflow.
CREATE OR REPLACE TEMP MACRO fraction_units(amount) AS
    trunc((amount % 1) * 10000000000::DECIMAL(11, 0))::HUGEINT * 10000000000
    + trunc(
        (((amount % 1) * 10000000000::DECIMAL(11, 0)) % 1) * 10000000000::DECIMAL(11, 0)
    )::HUGEINT;

-- An amount times a rate, cut (not rounded) at 20 places. Whole units and the rest are multiplied
-- apart, because the full product has more digits than a DECIMAL holds.
CREATE OR REPLACE TEMP MACRO at_rate(amount, rate) AS
    CASE WHEN rate = 1 THEN amount::DECIMAL(38, 20) ELSE (
        (trunc(amount)::HUGEINT * billionths_of(rate))::DECIMAL(38, 0)
        * 0.000000001::DECIMAL(9, 9)
    )::DECIMAL(38, 20)
    + (fraction_units(amount) * billionths_of(rate) // 1000000000)::DECIMAL(38, 0)
    * 0.00000000000000000001::DECIMAL(20, 20) END;
