-- market.quote -> quote.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    p.instrument AS instrument_id,
    p.quoted_at AS quoted_at,
    p.bid AS bid,
    p.ask AS ask,
    p.mid AS mid,
    p.underlying AS underlying,
    CASE
        WHEN coalesce(p.bid, p.ask, p.mid, p.underlying) IS NULL
            THEN 'bid, ask, mid and underlying are all missing'
    END AS contradiction
FROM decoded
