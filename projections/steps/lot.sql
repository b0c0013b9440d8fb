-- stretch, interval, payment, arrival, handover -> lot (temporary): every lot, priced.
-- gross = direction * (worth at closing - worth at opening) + rounding + premium
-- A void market gives the cost back: it closes at the opening price. What the exchange cuts off a
-- payout (rounding) is charged to the last lot of the settlement. What a corporate action takes out
-- is worth the cash that came with it; where the lot lives on, that cash is a result of its own. A
-- lot of which the action leaves not a unit does not live on.
-- An option that was exercised or assigned hands premium and fees over to its underlying.
-- Fees are the shares of the two movements; one unknown share makes the lot pending, not cheaper.
-- An opening that nobody told makes the basis missing, not 0.
CREATE TEMP TABLE lot AS
WITH paired AS (
    SELECT
        s.holding_id,
        s.open_sequence,
        s.close_sequence,
        coalesce(a.trade_sequence, o.trade_sequence) AS trade_sequence,
        contracts(s.units) AS quantity,
        CASE WHEN o.units > 0 THEN 1 ELSE -1 END AS sign,
        CASE
            WHEN s.open_to - s.open_from = s.units THEN o.price
            -- what a reverse split leaves may cost more than a price can say; its worth is kept
            WHEN (s.open_to - s.open_from)::HUGEINT * billionths_of(o.price) // s.units
                < 1000000000000000000
                THEN (
                    ((s.open_to - s.open_from)::HUGEINT * billionths_of(o.price) // s.units)
                    ::DECIMAL(18, 0) * 0.000000001::DECIMAL(10, 9)
                )::DECIMAL(18, 9)
        END AS open_price,
        worth(s.open_to - s.open_from, o.price, o.multiplier) AS open_worth,
        CASE
            WHEN c.result = 'void' THEN o.price
            -- a corporate action pays cash, not a price; a transfer tells none
            WHEN c.rank <> 2 THEN c.price
        END AS close_price,
        CASE
            WHEN c.result = 'void' THEN worth(s.units, o.price, o.multiplier)
            WHEN c.rank <> 2 THEN worth(s.units, c.price, c.multiplier)
        END AS close_worth,
        CASE
            WHEN c.rank = 2 AND (s.arrives OR NOT coalesce(c.carries, false))
                THEN part_of(c.proceeds, s.close_to, abs(c.units))
                    - part_of(c.proceeds, s.close_from, abs(c.units))
        END AS cash,
        s.lives_on,
        coalesce(g.gives, false) AS handed_over,
        o.multiplier,
        o.moment AS opened_at,
        c.moment AS closed_at,
        c.sequence IS NOT NULL AND o.currency <> c.currency AS two_currencies,
        CASE WHEN c.rank = 1 AND s.close_to = c.size THEN s.close_sequence END AS last_of,
        CASE WHEN s.lives_on THEN 0 ELSE coalesce(
            part_of(ho.premium, s.open_to, o.size) - part_of(ho.premium, s.open_from, o.size), 0
        ) END + coalesce(
            part_of(hc.premium, s.close_to, c.size) - part_of(hc.premium, s.close_from, c.size), 0
        ) AS premium,
        (ho.sequence IS NOT NULL AND ho.premium IS NULL)
        OR (hc.sequence IS NOT NULL AND hc.premium IS NULL) AS premium_missing,
        CASE
            WHEN g.gives OR s.lives_on THEN 0
            ELSE fee_share(
                o.fee_billionths
                + CASE WHEN ho.sequence IS NULL THEN 0 ELSE ho.fee_billionths END,
                s.open_from, s.open_to, o.size
            )
        END AS open_fee,
        CASE
            WHEN g.gives OR s.lives_on THEN 0
            ELSE fee_share(
                c.fee_billionths
                + CASE WHEN hc.sequence IS NULL THEN 0 ELSE hc.fee_billionths END,
                s.close_from, s.close_to, c.size
            )
        END AS close_fee
    FROM (
        SELECT
            t.*,
            b.sequence IS NOT NULL AS arrives,
            coalesce(
                ceiling_of(t.close_from::HUGEINT * b.units, b.source_units)
                    < ceiling_of(t.close_to::HUGEINT * b.units, b.source_units),
                false
            ) AS lives_on
        FROM stretch AS t
        LEFT JOIN arrival AS b ON b.source_sequence = t.close_sequence
    ) AS s
    INNER JOIN interval AS o ON o.sequence = s.open_sequence
    LEFT JOIN interval AS c ON c.sequence = s.close_sequence
    LEFT JOIN arrival AS a ON a.sequence = o.trade_sequence
    LEFT JOIN handover AS ho ON ho.sequence = s.open_sequence AND NOT ho.gives
    LEFT JOIN handover AS hc ON hc.sequence = s.close_sequence AND NOT hc.gives
    LEFT JOIN handover AS g ON g.sequence = s.close_sequence AND g.gives
    WHERE NOT (s.lives_on AND c.proceeds = 0)
),

valued AS (
    SELECT
        *,
        CASE
            WHEN lives_on THEN cash
            WHEN cash IS NOT NULL THEN cash - sign * open_worth
            ELSE sign * (close_worth - open_worth)
        END AS result
    FROM paired
)

SELECT
    v.* EXCLUDE (
        last_of, result, premium, premium_missing, close_worth, cash, handed_over, two_currencies
    ),
    coalesce(p.rounding, 0)::DECIMAL(38, 20) AS rounding,
    (CASE WHEN v.handed_over THEN coalesce(-v.result, 0) ELSE v.premium END)::DECIMAL(38, 20)
        AS premium,
    CASE
        WHEN v.open_worth IS NULL OR v.premium_missing OR v.two_currencies THEN 'missing'
        WHEN v.closed_at IS NOT NULL AND v.result IS NULL THEN 'missing'
        ELSE 'known'
    END AS basis_state,
    CASE
        WHEN v.open_worth IS NULL OR v.premium_missing OR v.two_currencies THEN NULL
        WHEN v.handed_over AND v.result IS NOT NULL THEN 0
        ELSE v.result + coalesce(p.rounding, 0) + v.premium
    END::DECIMAL(38, 20) AS realized_gross
FROM valued AS v
LEFT JOIN payment AS p ON p.sequence = v.last_of;
