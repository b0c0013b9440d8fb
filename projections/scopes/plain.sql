-- stored_*, fresh_fill -> whether all that is known of Interactive Brokers are executions of its
-- socket, their commissions and their orders. Then nothing hangs together but what shares an order
-- or the stem of its id: no statement says what was held, no option has ended, nothing was booked.
SELECT
    NOT EXISTS (SELECT 1 FROM stored_fact_count WHERE facts > 0 AND fact IN (
        'statement', 'corporate_action', 'cash_report', 'fx_rate', 'transfer', 'security',
        'account_profile', 'option_event'
    ))
    AND NOT EXISTS (SELECT 1 FROM stored_cash_movement WHERE venue = 'ibkr')
    AND NOT EXISTS (SELECT 1 FROM stored_position_snapshot WHERE venue = 'ibkr')
    AND NOT EXISTS (
        SELECT 1 FROM stored_fetch_log WHERE broker = 'ibkr' AND stream = 'positions'
    )
    AND NOT EXISTS (
        SELECT 1
        FROM (
            SELECT account, booking, told_by, rate_to_base FROM stored_fill WHERE venue = 'ibkr'
            UNION ALL
            SELECT account, booking, told_by, rate_to_base FROM fresh_fill WHERE venue = 'ibkr'
        )
        WHERE booking <> 'execution' OR told_by <> 'socket' OR rate_to_base IS NOT NULL
            OR main_account(account) <> account
    );
