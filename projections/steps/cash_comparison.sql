-- merged_cash_report, merged_statement, cash_ledger, fill -> cash_comparison: what a statement says
-- of its cash in one currency beside the ledger's entries of its days.
-- The cash report of an account covers its segments.
-- The statement's own lines (dividends, commissions, …) say where a difference comes from. They are
-- sums that IBKR rounds to 8 places: they are compared to the seventh, the cash itself to the last.
INSERT INTO cash_comparison BY NAME
WITH report AS (
    SELECT * FROM merged_cash_report WHERE currency <> 'BASE_SUMMARY'
),

entry AS (
    SELECT
        c.venue,
        c.account,
        c.mode,
        c.currency,
        c.report_date,
        c.cause,
        c.amount,
        c.cause = 'fee' AND f.asset_class = 'CASH' AS for_exchange
    FROM cash_ledger AS c
    LEFT JOIN fill AS f
        ON f.venue = c.venue
        AND f.account = c.account
        AND f.mode = c.mode
        AND f.fill_id = c.reference
        AND c.cause = 'fee'
    WHERE c.venue = 'ibkr'
),

-- every entry of the days of a report, in all currencies
covered AS (
    SELECT
        r.position,
        e.account,
        e.currency = r.currency AS own,
        e.cause,
        e.amount,
        e.for_exchange
    FROM report AS r
    INNER JOIN entry AS e
        ON e.venue = r.venue
        AND (e.account = r.account OR main_account(e.account) = r.account)
        AND e.mode = r.mode
        AND e.report_date BETWEEN r.from_date AND r.to_date
),

entered AS (
    SELECT
        position,
        coalesce(sum(amount) FILTER (own), 0)::DECIMAL(38, 20) AS entries,
        count(*) FILTER (own) AS rows,
        coalesce(sum(amount) FILTER (own AND for_exchange), 0)::DECIMAL(38, 20) AS fx_commissions,
        count(*) FILTER (for_exchange) AS fx_rows
    FROM covered
    GROUP BY position
),

by_cause AS (
    SELECT position, cause, sum(amount) AS amount
    FROM covered
    WHERE own
    GROUP BY position, cause
),

line AS (
    SELECT
        position,
        unnest([
            {
                'name': 'commissions', 'section': 'Trades', 'causes': ['fee'],
                'stated': commissions
            },
            {
                'name': 'trades', 'section': 'Trades', 'causes': ['fill', 'conversion'],
                'stated': coalesce(trade_sales, 0) + coalesce(trade_purchases, 0)
            },
            {
                'name': 'cash_settling_mtm', 'section': 'Trades', 'causes': ['variation'],
                'stated': cash_settling_mtm
            },
            {
                'name': 'deposits_withdrawals', 'section': 'CashTransactions',
                'causes': ['deposit', 'withdrawal'], 'stated': deposits_withdrawals
            },
            {
                'name': 'account_transfers', 'section': 'Transfers', 'causes': ['transfer'],
                'stated': account_transfers
            },
            {
                'name': 'dividends', 'section': 'CashTransactions', 'causes': ['dividend'],
                'stated': dividends
            },
            {
                'name': 'payment_in_lieu', 'section': 'CashTransactions',
                'causes': ['payment_in_lieu'], 'stated': payment_in_lieu
            },
            {
                'name': 'withholding_tax', 'section': 'CashTransactions',
                'causes': ['withholding_tax'], 'stated': withholding_tax
            },
            {
                'name': 'broker_interest', 'section': 'CashTransactions', 'causes': ['interest'],
                'stated': broker_interest
            },
            {
                'name': 'other_fees', 'section': 'CashTransactions', 'causes': ['other_fee'],
                'stated': other_fees
            }
        ]) AS said
    FROM report
),

-- the sections of all statements of the same account and days
section AS (
    SELECT r.position, string_agg(s.sections, '' ORDER BY s.generated_at, s.query_name) AS sections
    FROM report AS r
    INNER JOIN merged_statement AS s USING (venue, account, mode, from_date, to_date)
    GROUP BY r.position
),

told AS (
    SELECT
        l.position,
        l.said.name AS name,
        l.said.section AS section,
        coalesce(l.said.stated, 0) AS stated,
        coalesce(sum(c.amount), 0)::DECIMAL(38, 20) AS entered,
        count(c.cause) AS causes,
        coalesce(NOT contains(s.sections, ';' || l.said.section || ';'), false) AS section_missing
    FROM line AS l
    LEFT JOIN by_cause AS c ON c.position = l.position AND list_contains(l.said.causes, c.cause)
    LEFT JOIN section AS s ON s.position = l.position
    GROUP BY ALL
),

summed AS (
    SELECT
        position,
        sum(stated) AS stated,
        max(entered) FILTER (name = 'commissions') AS commissions_entered,
        bool_or(causes = 0 AND stated <> 0) AS missing,
        string_agg(
            name || ' ' || number_text(stated)
            || CASE
                WHEN causes = 0 THEN ' (no rows)'
                ELSE ' (rows: ' || number_text(entered) || ')'
            END,
            ', ' ORDER BY name
        ) FILTER (abs(stated - entered) >= 0.0000001) AS lines,
        string_agg(DISTINCT section, ', ' ORDER BY section)
            FILTER (section_missing AND abs(stated - entered) >= 0.0000001) AS sections
    FROM told
    GROUP BY position
),

compared AS (
    SELECT
        r.*,
        coalesce(e.entries, 0)::DECIMAL(38, 20) AS entries,
        coalesce(e.rows, 0) AS rows,
        (r.starting_cash + coalesce(e.entries, 0) - r.ending_cash)::DECIMAL(38, 20) AS difference,
        coalesce(e.fx_commissions, 0)::DECIMAL(38, 20) AS fx_commissions,
        coalesce(e.fx_rows, 0) AS fx_rows,
        s.commissions_entered,
        s.missing,
        s.lines,
        s.sections,
        r.starting_cash + s.stated + coalesce(r.other, 0) AS ending_by_lines
    FROM report AS r
    INNER JOIN summed AS s USING (position)
    LEFT JOIN entered AS e USING (position)
),

judged AS (
    SELECT
        *,
        CASE
            WHEN difference = 0 THEN 'agrees'
            WHEN fx_rows > 0
                AND abs(difference - (commissions_entered - coalesce(commissions, 0))) < 0.0000001
                THEN 'fx_commission_currency'
            WHEN missing THEN 'rows_missing'
            ELSE 'differs'
        END AS state
    FROM compared
)

SELECT
    venue,
    account,
    mode,
    currency,
    from_date,
    to_date,
    starting_cash,
    entries,
    ending_cash,
    difference,
    fx_commissions,
    commissions AS commissions_reported,
    commissions_entered,
    state,
    CASE state
        WHEN 'agrees' THEN 'starting cash and ' || rows || ' entries are the ending cash'
        WHEN 'fx_commission_currency'
            THEN 'rows state commissions of ' || number_text(commissions_entered)
            || ' in this currency, the statement debits ' || number_text(coalesce(commissions, 0))
            || ': commissions of currency trades are stated in another currency than debited'
        ELSE
            concat_ws(
                '; ',
                coalesce(
                    'by the statement''s own lines: ' || lines, 'its lines agree with the rows'
                ),
                'the statement has no section ' || sections,
                CASE
                    WHEN abs(ending_by_lines - ending_cash) >= 0.000001
                        THEN 'its lines add up to ' || number_text(ending_by_lines)
                        || ', not to its ending cash'
                END
            )
    END AS reason,
    position
FROM judged;
