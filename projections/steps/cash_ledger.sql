-- fill, movement, interval, payment, holding, merged_cash_movement -> cash_ledger: every effect on
-- cash at Kalshi; that of IBKR is in cash_ledger_ibkr.
-- Kalshi takes the price of the side acquired, and pays 1.00 for each pair of YES and NO as soon as
-- both are held; the settlement pays only what is left. Counting every winning contract at
-- settlement would count redeemed pairs twice.
-- Invariant: trading rows = realized net + open lots' (-cost - fees), where all fees are known.
INSERT INTO cash_ledger BY NAME
WITH kalshi_fill AS (
    SELECT * FROM fill WHERE venue = 'kalshi'
)

SELECT
    venue,
    account,
    mode,
    subaccount,
    currency,
    executed_at AS at,
    (
        -quantity::DECIMAL(38, 8) * CASE side WHEN 'buy' THEN price ELSE 1 - price END
    )::DECIMAL(38, 20) AS amount,
    'fill' AS cause,
    instrument_id,
    fill_id AS reference,
    position
FROM kalshi_fill
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    subaccount,
    currency,
    executed_at AS at,
    -fee AS amount,
    'fee' AS cause,
    instrument_id,
    fill_id AS reference,
    position
FROM kalshi_fill
WHERE fee <> 0
UNION ALL BY NAME
SELECT
    h.venue,
    h.account,
    h.mode,
    h.subaccount,
    m.currency,
    m.moment AS at,
    contracts(i.closed_to - i.closed_from) AS amount,
    'redemption' AS cause,
    h.instrument_id,
    m.id AS reference,
    m.position
FROM interval AS i
INNER JOIN movement AS m USING (sequence)
INNER JOIN holding AS h ON h.holding_id = m.holding_id
WHERE h.venue = 'kalshi' AND m.rank = 0 AND i.closed_to > i.closed_from
UNION ALL BY NAME
SELECT
    h.venue,
    h.account,
    h.mode,
    h.subaccount,
    p.currency,
    p.moment AS at,
    p.paid AS amount,
    'settlement' AS cause,
    h.instrument_id,
    p.id AS reference,
    p.position
FROM payment AS p
INNER JOIN holding AS h USING (holding_id)
WHERE p.paid <> 0
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    0 AS subaccount,
    currency,
    coalesce(finalized_at, created_at) AS at,
    CASE direction WHEN 'deposit' THEN amount ELSE -amount END AS amount,
    direction AS cause,
    NULL AS instrument_id,
    movement_id AS reference,
    position
FROM merged_cash_movement
WHERE venue = 'kalshi' AND status = 'applied'
UNION ALL BY NAME
SELECT
    venue,
    account,
    mode,
    0 AS subaccount,
    currency,
    coalesce(finalized_at, created_at) AS at,
    -fee AS amount,
    'transfer_fee' AS cause,
    NULL AS instrument_id,
    movement_id AS reference,
    position
FROM merged_cash_movement
WHERE venue = 'kalshi' AND status = 'applied' AND fee <> 0;
