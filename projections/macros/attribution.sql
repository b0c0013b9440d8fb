-- Of prefixes with their strategies, the longest first, the one that an id begins with.
CREATE OR REPLACE TEMP MACRO longest_fit(prefixes, id) AS
    list_filter(prefixes, lambda one: starts_with(id, one.prefix))[1];

-- What a bot recorded in the place of a strategy that is none.
CREATE OR REPLACE TEMP MACRO real_strategy(name) AS
    CASE WHEN name NOT IN ('', 'unattributed') THEN name END;
