-- merged_bot_exit, exit_spelling -> canary: exits in a spelling that is in no list.
INSERT INTO canary BY NAME
SELECT
    e.venue,
    e.account,
    e.mode,
    'exit_undeclared' AS rule,
    normal_spelling(e.reason) AS subject,
    NULL AS found,
    NULL AS expected,
    'told as the reason of ' || count(*) || ' exits, for the first time of ' || arg_min(
        e.instrument_id || ' at ' || moment_text(e.exited_at), e.position
    ) || ': declare it in attribution.toml' AS detail,
    min(e.position) AS position
FROM merged_bot_exit AS e
LEFT JOIN exit_spelling AS s ON s.spelling = normal_spelling(e.reason)
WHERE coalesce(s.reason, 'undeclared') = 'undeclared'
GROUP BY e.venue, e.account, e.mode, subject;
