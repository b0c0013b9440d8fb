-- What looks wrong although every shape is known?
-- `explain POSITION` shows what was stated.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    rule,
    subject,
    found,
    expected,
    found - expected AS differs,
    detail,
    position
FROM canary
ORDER BY account, rule, subject
