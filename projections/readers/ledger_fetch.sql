-- ledger.fetch -> fetch_log. 1 is a file; 2 is one stream of a broker's API.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.document AS document,
    p.adapter AS adapter,
    p.pages AS pages,
    p.rows AS rows,
    p.cursor_ended AS cursor_ended,
    stated(p.broker) AS broker,
    stated(p.stream) AS stream,
    p.state AS state,
    p.started_at AS started_at,
    p.ended_at AS ended_at,
    p.covered_from AS covered_from,
    p.covered_until AS covered_until,
    p.resume_from AS resume_from,
    stated(p.reason) AS reason,
    CASE
        WHEN TRY_CAST(p.covered_until AS TIMESTAMPTZ) < TRY_CAST(p.covered_from AS TIMESTAMPTZ)
            THEN 'covered from ' || p.covered_from || ' until ' || p.covered_until
    END AS contradiction
FROM decoded
