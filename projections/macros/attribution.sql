-- What a bot recorded in the place of a strategy that is none.
CREATE OR REPLACE TEMP MACRO real_strategy(name) AS
    CASE WHEN lower(trim(name, E' \t\n\v\f\r')) NOT IN ('', 'unattributed') THEN name END;

-- A list with every value where it stands first.
CREATE OR REPLACE TEMP MACRO without_repeats(told) AS
    list_filter(told, lambda one, place: list_position(told, one) = place);
