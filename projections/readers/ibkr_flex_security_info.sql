-- ibkr.flex.security_info -> security.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    ibkr_id(p.conid) AS instrument_id,
    ibkr_stated(p.symbol) AS symbol,
    p.assetCategory AS asset_class,
    ibkr_stated(p.description) AS description,
    ibkr_stated(p.currency) AS currency,
    ibkr_number(p.multiplier) AS multiplier,
    ibkr_stated(p.isin) AS isin,
    ibkr_stated(p.cusip) AS cusip,
    ibkr_id(p.underlyingConid) AS underlying_id,
    ibkr_stated(p.underlyingSymbol) AS underlying_symbol,
    ibkr_day(p.expiry) AS expires_on,
    ibkr_number(p.strike) AS strike,
    ibkr_right(p.putCall) AS option_right,
    NULL AS contradiction
FROM decoded
