-- ibkr.commission_report -> commission: what an execution cost, told behind it.
-- Exactly -1 says that it is not known yet; any other negative number is a rebate. The largest
-- double stands for no realized P&L: the execution opened a position.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.execId AS fill_id,
    CASE WHEN NOT regexp_full_match(p.commission, '-1(\.0+)?') THEN socket_number(p.commission) END
        AS fee,
    CASE
        WHEN NOT regexp_full_match(p.commission, '-1(\.0+)?')
            AND socket_number(p.commission) IS NOT NULL THEN socket_text(p.currency)
    END AS fee_currency,
    socket_number(p.realizedPNL) AS realized_reported,
    CASE
        WHEN p.currency = '' AND socket_number(p.commission) IS NOT NULL
            AND NOT regexp_full_match(p.commission, '-1(\.0+)?')
            THEN 'commission ' || p.commission || ' without a currency'
        WHEN ibkr_digits(socket_number(p.commission)) > 7
            OR ibkr_digits(socket_number(p.realizedPNL)) > 12
            THEN 'an amount is beyond measure'
    END AS contradiction
FROM decoded
