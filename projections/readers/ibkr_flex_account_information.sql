-- ibkr.flex.account_information -> account_profile.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    ibkr_stated(p.currency) AS base_currency,
    ibkr_stated(p.accountType) AS account_type,
    ibkr_stated(p.accountCapabilities) AS capabilities,
    NULL AS contradiction
FROM decoded
