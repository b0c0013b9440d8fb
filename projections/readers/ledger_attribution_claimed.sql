-- ledger.attribution_claimed -> attribution_claim.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.fill_id AS fill_id,
    stated(p.strategy) AS strategy,
    p.reason AS reason,
    p.claimed_by AS claimed_by,
    p.claimed_at AS claimed_at,
    CASE
        WHEN p.strategy = 'unattributed' THEN 'a claim of unattributed: withdraw the claim instead'
    END AS contradiction
FROM decoded
