-- What looks wrong although every shape is known?
-- `explain POSITION` shows what was stated, `drift` says what it was compared with.
SELECT
    rule,
    subject,
    found,
    expected,
    found - expected AS differs,
    position,
    concat_ws('/', venue, account, mode) AS account
FROM canary
ORDER BY account, rule, subject
