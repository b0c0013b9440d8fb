-- market.forecast -> forecast.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.subject AS subject,
    p.source AS source,
    p.forecast_at AS forecast_at,
    p.target_at AS target_at,
    p.value AS value,
    p.spread AS spread,
    stated(p.unit) AS unit,
    p.features::VARCHAR AS features,
    NULL::VARCHAR AS contradiction
FROM decoded
