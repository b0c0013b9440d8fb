-- Macros that the lot steps share.

-- The share of a fee (billionths) that falls on the stretch from..to of a fill of `total` units, in
-- the currency. Cut at a billionth; the shares of all stretches add up to the fee exactly.
CREATE OR REPLACE TEMP MACRO fee_share(fee_billionths, from_units, to_units, total) AS
    CASE
        WHEN from_units = 0 AND to_units = total THEN fee_billionths::HUGEINT
        ELSE (fee_billionths::HUGEINT * to_units) // total
            - (fee_billionths::HUGEINT * from_units) // total
    END::DECIMAL(27, 0) * 0.000000001::DECIMAL(10, 9);

-- Units of 1e-8 contracts as contracts.
CREATE OR REPLACE TEMP MACRO contracts(units) AS
    (units::DECIMAL(28, 0) * 0.00000001::DECIMAL(9, 8))::DECIMAL(18, 8);

-- Contracts as units of 1e-8. The wider type first: DECIMAL(18) times an integer would overflow.
CREATE OR REPLACE TEMP MACRO units_of(quantity) AS
    (quantity::DECIMAL(28, 8) * 100000000)::BIGINT;

-- A price or fee as billionths of the currency.
CREATE OR REPLACE TEMP MACRO billionths_of(amount) AS
    (amount::DECIMAL(28, 9) * 1000000000)::BIGINT;
