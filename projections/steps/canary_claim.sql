-- merged_attribution_claim, attribution -> canary: claims of operators that have no effect.
-- A claim that says what stronger evidence says, too, is none; one that was withdrawn neither.
INSERT INTO canary BY NAME
SELECT
    c.venue,
    c.account,
    c.mode,
    CASE WHEN a.fill_id IS NULL THEN 'claim_of_unknown_fill' ELSE 'claim_overruled' END AS rule,
    c.fill_id AS subject,
    NULL AS found,
    NULL AS expected,
    CASE
        WHEN a.fill_id IS NULL
            THEN 'claimed for ' || c.strategy || ' by ' || c.claimed_by
                || '; no fill of this id counts'
        ELSE
            'claimed for ' || c.strategy || ' by ' || c.claimed_by || '; it is ' || a.strategy
            || ' by the rule ' || a.rule || ', evidence ' || a.evidence
    END AS detail,
    c.position
FROM merged_attribution_claim AS c
LEFT JOIN attribution AS a
    ON a.venue = c.venue
    AND a.account = c.account
    AND a.mode = c.mode
    AND a.fill_id = c.fill_id
WHERE c.strategy IS NOT NULL
    AND (
        a.fill_id IS NULL
        OR (
            a.rule <> 'claim'
            AND a.strategy <> 'unattributed'
            AND a.strategy <> c.strategy
        )
    );
