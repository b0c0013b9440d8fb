-- kalshi.position -> position_snapshot. Of which subaccount stands in the request: the primary one
-- where it named none.
WITH rendered AS (
    SELECT
        *,
        CASE
            -- cents
            WHEN reader = '0' THEN struct_pack(
                quantity := p.position,
                exposure := dollars_of_cents(p.market_exposure),
                realized_pnl := dollars_of_cents(p.realized_pnl),
                fees_paid := dollars_of_cents(p.fees_paid),
                total_traded := dollars_of_cents(p.total_traded)
            )
            -- dollar strings; position as a string from 2 on
            WHEN reader IN ('1', '2', '3', '5') THEN struct_pack(
                quantity := coalesce(p.position_fp, p.position),
                exposure := p.market_exposure_dollars,
                realized_pnl := p.realized_pnl_dollars,
                fees_paid := p.fees_paid_dollars,
                total_traded := p.total_traded_dollars
            )
        END AS r
    FROM decoded
)

SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.ticker AS instrument_id,
    coalesce(asked.subaccount, '0') AS subaccount,
    as_of,
    'api' AS told_by,
    r.quantity AS quantity,
    r.exposure AS exposure,
    r.realized_pnl AS realized_pnl,
    r.fees_paid AS fees_paid,
    r.total_traded AS total_traded,
    'USD' AS currency,
    p.exchange_index AS exchange_index,
    NULL AS contradiction
FROM rendered
