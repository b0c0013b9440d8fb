-- plainly, reach, stored_trade -> cut (temporary): for each plainly touched instrument the last
-- moment (since) before which everything had been closed, and which no fresh fact reaches behind.
-- First in, first out starts anew there. What else leads from one side of it to the other: orders
-- (such a cut is moved back, `shared.sql`), exits of an entry before it (`entry.sql`), and what the
-- rows say of the instrument (`unfit.sql`).
-- Invariant: no round trip is opened before it and closed, if at all, at it or behind it.
CREATE OR REPLACE TEMP TABLE cut AS
WITH reached AS (
    SELECT
        p.venue,
        p.instrument_id,
        coalesce(min(r.executed_at), TIMESTAMPTZ '9999-12-31 00:00:00+00') AS "at"
    FROM plainly AS p
    LEFT JOIN reach AS r ON r.venue = p.venue AND r.instrument_id = p.instrument_id
    GROUP BY ALL
),

-- a round trip begins, or what is fresh
start AS (
    SELECT venue, instrument_id, "at", max(closed_at) AS closed_at
    FROM (
        SELECT
            t.venue,
            t.instrument_id,
            t.opened_at AS "at",
            coalesce(t.closed_at, TIMESTAMPTZ '9999-12-31 00:00:00+00') AS closed_at
        FROM stored_trade AS t
        INNER JOIN reached AS r ON r.venue = t.venue AND r.instrument_id = t.instrument_id
        WHERE t.opened_at <= r."at"
        UNION ALL
        SELECT venue, instrument_id, "at", NULL FROM reached
    )
    GROUP BY ALL
),

-- what had been opened before it was closed before it
flat AS (
    SELECT venue, instrument_id, "at"
    FROM start
    QUALIFY coalesce(
        max(closed_at) OVER (
            PARTITION BY venue, instrument_id ORDER BY "at"
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) < "at",
        TRUE
    )
)

SELECT venue, instrument_id, max("at") AS since FROM flat GROUP BY ALL;
