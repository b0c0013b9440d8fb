-- lot_match, instrument -> daily_pnl: lot matches by UTC day of closing, strategy and family.
-- Invariant: its sums are those of lot_match; rows with unknown fees, or without a basis, are kept
-- apart.
INSERT INTO daily_pnl BY NAME
SELECT
    (l.closed_at AT TIME ZONE 'UTC')::DATE AS day,
    l.venue,
    l.account,
    l.mode,
    l.strategy,
    i.family,
    l.currency,
    l.fee_state,
    l.basis_state,
    count(*) AS lots,
    sum(l.realized_gross) AS realized_gross,
    sum(l.fees) AS fees,
    sum(l.realized_net) AS realized_net
FROM lot_match AS l
INNER JOIN instrument AS i USING (venue, instrument_id)
GROUP BY ALL;
