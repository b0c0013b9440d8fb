-- What did each UTC day make, before and after fees?
-- net covers the lots whose fees and openings are known: net = gross - gross_pending - fees.
SELECT
    concat_ws('/', venue, account, mode) AS account,
    day,
    currency AS ccy,
    sum(lots)::BIGINT AS lots,
    sum(realized_gross) AS gross,
    sum(fees) FILTER (basis_state = 'known') AS fees,
    sum(realized_net) AS net,
    coalesce(sum(lots) FILTER (fee_state = 'pending' OR basis_state = 'missing'), 0)::BIGINT
        AS lots_pending,
    coalesce(sum(realized_gross) FILTER (fee_state = 'pending'), 0) AS gross_pending
FROM daily_pnl
GROUP BY ALL
ORDER BY account, day, ccy
