-- ibkr.flex.statement -> statement.
SELECT
    position,
    generation,
    venue,
    account,
    mode,
    ibkr_day(p.fromDate) AS from_date,
    ibkr_day(p.toDate) AS to_date,
    ibkr_time(p.whenGenerated) AS generated_at,
    coalesce(ibkr_stated(p.queryName), '-') AS query_name,
    ibkr_stated(p.period) AS period,
    ibkr_stated(p.type) AS query_type,
    coalesce(nullif(p.sections, ''), ';') AS sections,
    CASE
        WHEN ibkr_day(p.toDate) < ibkr_day(p.fromDate)
            THEN 'from ' || p.fromDate || ' to ' || p.toDate
    END AS contradiction
FROM decoded
