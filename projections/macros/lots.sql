-- Macros that the lot steps share.

-- The share of a fee (billionths) that falls on the stretch from..to of a fill of `total` units, in
-- the currency. Cut at a billionth; the shares of all stretches add up to the fee exactly.
-- Where the products fit into 64 bits they are: to divide wider ones takes twenty times as long.
CREATE OR REPLACE TEMP MACRO fee_share(fee_billionths, from_units, to_units, total) AS
    CASE
        WHEN from_units = 0 AND to_units = total THEN fee_billionths::HUGEINT
        WHEN abs(fee_billionths) <= 9223372036854775807 // total
            THEN (
                fee_billionths * to_units // total - fee_billionths * from_units // total
            )::HUGEINT
        ELSE (fee_billionths::HUGEINT * to_units) // total
            - (fee_billionths::HUGEINT * from_units) // total
    END::DECIMAL(27, 0) * 0.000000001::DECIMAL(10, 9);

-- Units of 1e-8 contracts as contracts.
CREATE OR REPLACE TEMP MACRO contracts(units) AS
    (units::DECIMAL(28, 0) * 0.00000001::DECIMAL(9, 8))::DECIMAL(18, 8);

-- Contracts as units of 1e-8: the whole ones and the rest apart, each within 18 digits. In one
-- product of 28 digits it takes ten times as long.
CREATE OR REPLACE TEMP MACRO units_of(quantity) AS
    trunc(quantity)::BIGINT * 100000000
    + ((quantity % 1::DECIMAL(1, 0))::DECIMAL(9, 8) * 100000000::DECIMAL(9, 0))::BIGINT;

-- A price or fee as billionths of the currency: the whole, the thousandths and the rest apart.
CREATE OR REPLACE TEMP MACRO billionths_of(amount) AS
    trunc(amount)::BIGINT * 1000000000
    + trunc((amount % 1::DECIMAL(1, 0))::DECIMAL(10, 9) * 1000::DECIMAL(4, 0))::BIGINT * 1000000
    + (
        ((amount % 1::DECIMAL(1, 0))::DECIMAL(10, 9) * 1000::DECIMAL(4, 0) % 1::DECIMAL(1, 0))
        ::DECIMAL(10, 9) * 1000000::DECIMAL(7, 0)
    )::BIGINT;

-- The smallest integer that is not less than dividend / divisor, both of them not negative.
CREATE OR REPLACE TEMP MACRO ceiling_of(dividend, divisor) AS
    (dividend + divisor - 1) // divisor;

-- Units of 1e-8 contracts at a price in the currency.
CREATE OR REPLACE TEMP MACRO worth(units, price, multiplier) AS
    (contracts(units)::DECIMAL(38, 8) * price * multiplier)::DECIMAL(38, 20);

-- The part of an amount that falls on the first `units` of `total`. Cut at 1e-12; the whole is
-- whole.
CREATE OR REPLACE TEMP MACRO part_of(amount, units, total) AS
    CASE
        WHEN units = total THEN amount::DECIMAL(38, 20)
        ELSE (
            -- whole times and the rest apart: the product of all of it would not fit
            (
                (amount::DECIMAL(38, 12) * 1000000000000)::HUGEINT // total * units
                + (amount::DECIMAL(38, 12) * 1000000000000)::HUGEINT % total * units // total
            )::DECIMAL(38, 0)
            * 0.000000000001
        )::DECIMAL(38, 20)
    END;
