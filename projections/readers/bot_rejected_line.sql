-- bot.rejected_line -> rejected_line.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.file AS file,
    p.line AS line,
    p.reason AS reason,
    p.text AS text,
    p.sha256 AS sha256,
    NULL::VARCHAR AS contradiction
FROM decoded
