-- events (an Arrow table from the log) -> chunk (a view): a run of events, states as text.
-- The shape stands in the envelope's header, which the log's writer made, before the payload. A
-- state that is no UTF-8 has the shape '', one without a shape whatever stands there; either is
-- found unreadable, because no payload has such a shape.
CREATE OR REPLACE TEMP VIEW chunk AS
SELECT
    position,
    key,
    kind,
    coalesce(substring(text, strpos(text, '"shape":"') + 9, 32), '') AS shape,
    -- "received_at" is the first member of the header
    CASE
        WHEN starts_with(text, '{"received_at":"') THEN substring(text, 17, 7) ELSE ''
    END AS month,
    coalesce(text, '') AS state
FROM (SELECT position, key, kind, TRY(decode(state)) AS text FROM events);
