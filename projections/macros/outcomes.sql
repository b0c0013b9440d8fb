-- Macros that the steps about outcomes share.

-- A spelling as it is looked up: what `domain.exits.normal` does, letter by letter. ASCII alone is
-- changed, because capitals of other letters are not the same everywhere.
CREATE OR REPLACE TEMP MACRO normal_spelling(told) AS
    regexp_replace(
        translate(
            trim(told, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)),
            'abcdefghijklmnopqrstuvwxyz- ',
            'ABCDEFGHIJKLMNOPQRSTUVWXYZ__'
        ),
        '^HEALED_',
        ''
    );

-- Money as a count of its smallest unit, 1e-20.
CREATE OR REPLACE TEMP MACRO units_of_money(amount) AS
    replace(amount::DECIMAL(38, 20)::VARCHAR, '.', '')::HUGEINT;

-- Money from 0 to 9 millions with 9 places: ratios of such amounts, and what is on the way to them,
-- fit into 64 bits. Empty for any other; the caller compares it with the amount.
CREATE OR REPLACE TEMP MACRO nine_places(amount) AS
    CASE WHEN amount >= 0 AND amount < 9000000 THEN amount::DECIMAL(18, 9) END;

-- Whether a size is more than so many billionths of another; exactly, all counts not negative.
CREATE OR REPLACE TEMP MACRO exceeds(size, billionths, whole) AS
    size > whole // 1000000000 * billionths + whole % 1000000000 * billionths // 1000000000;

-- size / whole in billionths, cut: long division, three digits at a time, so that nothing
-- overflows. Both not negative, whole at most 1e35.
CREATE OR REPLACE TEMP MACRO billionths_in(size, whole) AS
    size // whole * 1000000000
    + size % whole * 1000 // whole * 1000000
    + size % whole * 1000 % whole * 1000 // whole * 1000
    + size % whole * 1000 % whole * 1000 % whole * 1000 // whole;

-- A count of billionths as a number.
CREATE OR REPLACE TEMP MACRO of_billionths(count) AS
    (count::DECIMAL(18, 0) * 0.000000001::DECIMAL(10, 9))::DECIMAL(18, 9);
