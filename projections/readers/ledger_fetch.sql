-- ledger.fetch -> fetch_log.
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
    NULL AS contradiction
FROM decoded
