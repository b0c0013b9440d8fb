-- market.observation -> observation.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.subject AS subject,
    p.source AS source,
    p.observed_at AS observed_at,
    p.value AS value,
    stated(p.unit) AS unit,
    p.features::VARCHAR AS features,
    NULL::VARCHAR AS contradiction
FROM decoded
