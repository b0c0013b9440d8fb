-- exit_told, trade_sum -> canary: exits that the broker's rows know nothing of.
INSERT INTO canary BY NAME
SELECT
    e.venue,
    e.account,
    e.mode,
    'exit_without_executions' AS rule,
    concat_ws(' ', e.instrument_id, moment_text(e.exited_at), nullif(e.exit_id, '-')) AS subject,
    NULL AS found,
    NULL AS expected,
    CASE
        WHEN e.trade_sequence IS NULL THEN 'the broker has no trade that this could be an exit of'
        ELSE 'the bot holds trade ' || t.trade_id
            || ' closed, the broker''s rows leave it open'
    END AS detail,
    e.position
FROM exit_told AS e
LEFT JOIN trade_sum AS t ON t.trade_sequence = e.trade_sequence
WHERE e.trade_sequence IS NULL OR (e.is_open AND e.is_last);
