-- fill, attribution, holding, cancelled_fill, opening, rearrangement, merged_corporate_action,
-- merged_position_snapshot, merged_transfer, merged_settlement -> movement (temporary): everything
-- that changes a holding, in ledger order: (time, rank, the broker's sequence, id).
-- rank: -1 what was there before the first row; 0 fills and transfers; 1 settlement; 2 what a
-- corporate action takes out; 3 what it puts in.
-- A settlement closes what the fills up to its time have left, so its quantity is minus their sum.
-- Units are 1e-8 contracts, signed; fees are billionths of the currency. A price that nobody told
-- is empty. Rows of corporate actions of one moment come one after the other, each with what it
-- takes before what it puts in. `carried_from` is the row of the action whose lots this movement
-- carries on; `carries` says that the lots it closes live on.
CREATE TEMP TABLE movement AS
WITH fills AS (
    SELECT
        h.holding_id,
        0 AS rank,
        f.sequence AS broker_sequence,
        f.fill_id AS id,
        f.position,
        f.executed_at AS moment,
        units_of(f.quantity) * CASE f.side WHEN 'buy' THEN 1 ELSE -1 END AS units,
        f.price,
        f.multiplier,
        f.currency,
        -- a fee in another currency cannot be taken off a result in this one
        CASE WHEN f.fee = 0 OR f.fee_currency = f.currency THEN billionths_of(f.fee) END
            AS fee_billionths,
        a.strategy,
        NULL AS result,
        CASE
            WHEN f.booking IN ('execution', 'booked') THEN 'fill'
            ELSE f.booking
        END AS kind
    FROM fill AS f
    INNER JOIN attribution AS a USING (position)
    LEFT JOIN cancelled_fill AS c
        ON c.venue = f.venue AND c.account = f.account AND c.mode = f.mode
        AND c.fill_id = f.fill_id
    INNER JOIN holding AS h
        ON h.venue = f.venue AND h.account = f.account AND h.mode = f.mode
        AND h.subaccount = f.subaccount AND h.instrument_id = f.instrument_id
        AND h.cancelled = coalesce(c.cancelled, '')
    WHERE f.asset_class <> 'CASH'
),

left_over AS (
    SELECT s.position, f.holding_id, -sum(f.units)::BIGINT AS units
    FROM merged_settlement AS s
    INNER JOIN holding AS h USING (venue, account, mode, instrument_id)
    INNER JOIN fills AS f ON f.holding_id = h.holding_id AND f.moment <= s.settled_at
    GROUP BY s.position, f.holding_id
),

settlements AS (
    SELECT
        l.holding_id,
        1 AS rank,
        s.instrument_id AS id,
        s.position,
        s.settled_at AS moment,
        l.units,
        s.payout AS price,
        1 AS multiplier,
        s.currency,
        0 AS fee_billionths,
        s.result,
        'settlement' AS kind
    FROM left_over AS l
    INNER JOIN merged_settlement AS s USING (position)
),

-- what the other rows of an instrument say of it: neither openings nor actions name everything
described AS (
    SELECT venue, account, mode, instrument_id, currency, multiplier
    FROM (
        SELECT
            venue, account, mode, instrument_id, currency, multiplier, 1 AS rank,
            executed_at AS told_at
        FROM fill
        WHERE venue = 'ibkr'
        UNION ALL
        SELECT venue, account, mode, instrument_id, currency, multiplier, 2, happened_at
        FROM merged_corporate_action
        UNION ALL
        SELECT venue, account, mode, instrument_id, currency, coalesce(multiplier, 1), 3, as_of
        FROM merged_position_snapshot
        WHERE told_by = 'statement'
        UNION ALL
        SELECT venue, account, mode, instrument_id, currency, coalesce(multiplier, 1), 4, moved_at
        FROM merged_transfer
        WHERE instrument_id IS NOT NULL
    )
    QUALIFY row_number() OVER (
        PARTITION BY venue, account, mode, instrument_id
        ORDER BY rank, told_at, currency, multiplier
    ) = 1
),

openings AS (
    SELECT
        h.holding_id,
        -1 AS rank,
        'opening-' || o.instrument_id AS id,
        o.position,
        o.before AS moment,
        units_of(o.quantity) AS units,
        d.multiplier,
        d.currency,
        0 AS fee_billionths,
        'unattributed' AS strategy,
        'opening' AS kind
    FROM opening AS o
    INNER JOIN holding AS h USING (venue, account, mode, subaccount, instrument_id)
    INNER JOIN described AS d USING (venue, account, mode, instrument_id)
    WHERE h.cancelled = ''
),

transfers AS (
    SELECT
        h.holding_id,
        0 AS rank,
        t.transfer_id AS id,
        t.position,
        t.moved_at AS moment,
        units_of(t.quantity) AS units,
        -- the price at which it was moved is not what it cost
        NULL AS price,
        coalesce(t.multiplier, 1) AS multiplier,
        t.currency,
        0 AS fee_billionths,
        'unattributed' AS strategy,
        'transfer' AS kind
    FROM merged_transfer AS t
    INNER JOIN holding AS h USING (venue, account, mode, instrument_id)
    WHERE h.cancelled = '' AND t.quantity <> 0 AND t.asset_class IS DISTINCT FROM 'CASH'
),

actions AS (
    SELECT
        h.holding_id,
        2 AS rank,
        TRY_CAST(r.row_id AS BIGINT) AS broker_sequence,
        r.row_id AS id,
        r.position,
        r.moment,
        r.taken_units AS units,
        d.multiplier,
        d.currency,
        0 AS fee_billionths,
        'unattributed' AS strategy,
        'corporate_action' AS kind,
        r.proceeds,
        r.carries,
        NULL AS carried_from
    FROM rearrangement AS r
    INNER JOIN holding AS h USING (venue, account, mode, instrument_id)
    INNER JOIN described AS d USING (venue, account, mode, instrument_id)
    WHERE h.cancelled = '' AND r.taken_units <> 0
    UNION ALL BY NAME
    SELECT
        h.holding_id,
        3 AS rank,
        CASE
            WHEN r.source_id IS NULL THEN TRY_CAST(r.row_id AS BIGINT)
            -- behind the row whose lots it carries on
            WHEN TRY_CAST(r.row_id AS BIGINT) IS NOT NULL
                AND TRY_CAST(r.source_id AS BIGINT) IS NOT NULL
                THEN greatest(TRY_CAST(r.row_id AS BIGINT), TRY_CAST(r.source_id AS BIGINT))
        END AS broker_sequence,
        greatest(r.row_id, coalesce(r.source_id, r.row_id)) AS broker_id,
        r.row_id AS id,
        r.position,
        r.moment,
        r.given_units AS units,
        d.multiplier,
        d.currency,
        0 AS fee_billionths,
        'unattributed' AS strategy,
        'corporate_action' AS kind,
        r.source_id AS carried_from
    FROM rearrangement AS r
    INNER JOIN holding AS h USING (venue, account, mode, instrument_id)
    INNER JOIN described AS d USING (venue, account, mode, instrument_id)
    WHERE h.cancelled = '' AND r.given_units <> 0
)

SELECT
    row_number() OVER (
        ORDER BY
            moment,
            least(rank, 2),
            broker_sequence NULLS LAST,
            coalesce(broker_id, id),
            rank,
            holding_id
    ) AS sequence,
    * EXCLUDE (broker_sequence, broker_id)
FROM (
    SELECT * FROM fills
    UNION ALL BY NAME
    SELECT * FROM settlements
    UNION ALL BY NAME
    SELECT * FROM openings
    UNION ALL BY NAME
    SELECT * FROM transfers
    UNION ALL BY NAME
    SELECT * FROM actions
);
