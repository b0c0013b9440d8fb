-- cut, old_fill, fresh_fill, stored_* -> the instruments that cannot be cut: those that the rows
-- behind the cut would describe otherwise than all rows do, those of whose fills some name no
-- subaccount where there are several, and executions of which one may correct another.
WITH behind AS (
    SELECT f.*
    FROM (
        SELECT
            venue, account, mode, instrument_id, fill_id, asset_class, symbol, underlying_id,
            underlying_symbol, expires_on, strike, option_right, multiplier, open_close,
            subaccount_named
        FROM stored_fill
        WHERE row IN (SELECT row FROM old_fill)
        UNION ALL
        SELECT
            venue, account, mode, instrument_id, fill_id, asset_class, symbol, underlying_id,
            underlying_symbol, expires_on, strike, option_right, multiplier, open_close,
            subaccount IS NOT NULL
        FROM fresh_fill
    ) AS f
    SEMI JOIN cut AS c ON c.venue = f.venue AND c.instrument_id = f.instrument_id
),

stem AS (
    SELECT DISTINCT venue, fill_id, stem_of(fill_id) AS stem
    FROM fresh_fill
    WHERE venue = 'ibkr'
),

shortest AS (
    SELECT min(length(stem)) AS length FROM stem
)

SELECT b.venue, b.instrument_id
FROM behind AS b
LEFT JOIN stored_instrument AS i
    ON i.venue = b.venue AND i.instrument_id = b.instrument_id
WHERE b.venue = 'ibkr'
    AND (
        i.instrument_id IS NULL
        OR b.open_close IS NOT NULL
        OR b.symbol IS NULL
        OR (b.asset_class, b.symbol, coalesce(b.underlying_symbol, b.symbol))
            IS DISTINCT FROM (i.asset_class, i.symbol, i.family)
        OR b.underlying_id IS DISTINCT FROM i.underlying_id
        OR b.expires_on IS DISTINCT FROM i.expires_on
        OR b.multiplier IS DISTINCT FROM i.multiplier
        OR coalesce(b.option_right, 'other') IS DISTINCT FROM i.strike_kind
        OR (b.option_right IS NOT NULL AND b.strike IS DISTINCT FROM i.strike)
    )
UNION
SELECT venue, instrument_id
FROM cut
ANTI JOIN behind USING (venue, instrument_id)
WHERE venue = 'ibkr'
UNION
SELECT venue, instrument_id
FROM behind
WHERE NOT subaccount_named
    AND EXISTS (SELECT 1 FROM stored_balance_snapshot WHERE subaccount <> 0)
UNION
SELECT f.venue, f.instrument_id
FROM stored_fill AS f
INNER JOIN stem AS s
    ON s.venue = f.venue
    AND left(s.stem, (SELECT length FROM shortest)) = left(f.fill_id, (SELECT length FROM shortest))
WHERE f.venue = 'ibkr' AND f.fill_id <> s.fill_id AND stem_of(f.fill_id) = s.stem
UNION
SELECT f.venue, f.instrument_id
FROM fresh_fill AS f
INNER JOIN stem AS s ON s.venue = f.venue AND s.stem = stem_of(f.fill_id)
WHERE f.venue = 'ibkr' AND f.fill_id <> s.fill_id
