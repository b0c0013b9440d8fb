-- ibkr.account_summary -> account_value: one line of the summary of an account.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    as_of,
    p.tag AS name,
    coalesce(socket_text(p.currency), '-') AS currency,
    '-' AS model,
    coalesce(socket_text(p.value), '-') AS value,
    CASE WHEN regexp_full_match(socket_number(p.value), '-?[0-9]{1,18}(\.[0-9]{1,20})?')
        THEN socket_number(p.value) END AS amount,
    NULL AS contradiction
FROM decoded
