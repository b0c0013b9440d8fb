-- What two executions of Interactive Brokers have in common of which one may correct the other: all
-- but the number behind the last dot. More may have it in common.
CREATE OR REPLACE TEMP MACRO stem_of(fill_id) AS
    rtrim(rtrim(fill_id, '0123456789'), '.');
