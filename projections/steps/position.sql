-- open_lot -> position: what is held now. average_price is cut, not rounded, at 9 places.
INSERT INTO position BY NAME
SELECT
    venue,
    account,
    mode,
    subaccount,
    instrument_id,
    sum(CASE direction WHEN 'long' THEN quantity ELSE -quantity END)::DECIMAL(18, 8) AS quantity,
    CASE WHEN count(open_price) = count(*) THEN (
        sum(units_of(quantity)::HUGEINT * billionths_of(open_price)::HUGEINT)::HUGEINT
        // sum(units_of(quantity)::HUGEINT)::HUGEINT
    )::DECIMAL(18, 0) * 0.000000001::DECIMAL(10, 9) END AS average_price,
    CASE WHEN count(cost) = count(*) THEN sum(cost) END AS cost,
    currency
FROM open_lot
GROUP BY venue, account, mode, subaccount, instrument_id, currency;
