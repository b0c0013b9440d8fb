-- carried_premium, movement, holding -> handover (temporary): by movement, what an option's end
-- takes out of the option's lots (`gives`) or brings into those of its underlying.
CREATE TEMP TABLE handover AS
SELECT
    m.sequence,
    m.id = p.fill_id AS gives,
    p.premium,
    billionths_of(p.fees) AS fee_billionths
FROM carried_premium AS p
INNER JOIN movement AS m ON m.rank = 0 AND m.id IN (p.fill_id, p.into_fill_id)
INNER JOIN holding AS h
    ON h.holding_id = m.holding_id
    AND (h.venue, h.account, h.mode) = (p.venue, p.account, p.mode);
