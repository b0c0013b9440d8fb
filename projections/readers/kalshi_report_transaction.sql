-- kalshi.report.transaction -> report_transaction. All cells are text; prices are of the side held.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    key AS row_id,
    p.type AS row_type,
    stated(p.market_ticker) AS instrument_id,
    stated(p.side) AS held_side,
    stated(p.quantity) AS quantity,
    dollars_of_cents(p.entry_price_cents) AS entry_price,
    dollars_of_cents(p.exit_price_cents) AS exit_price,
    dollars_of_cents(p.open_fees_cents) AS open_fee,
    dollars_of_cents(p.close_fees_cents) AS close_fee,
    dollars_of_cents(p.realized_pnl_without_fees_cents) AS realized_gross,
    dollars_of_cents(p.realized_pnl_with_fees_cents) AS realized_net,
    'USD' AS currency,
    stated(p.open_timestamp) AS opened_at,
    p.close_timestamp AS closed_at,
    NULL AS contradiction
FROM decoded
