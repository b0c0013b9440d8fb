-- merged_statement, merged_position_snapshot -> position_list (temporary): the moments of which a
-- statement lists all positions of an account: what it leaves out then is not held.
-- The end of a statement is that of its newest positions, else that of its last day.
CREATE TEMP TABLE position_list AS
SELECT DISTINCT
    s.venue,
    s.account,
    s.mode,
    coalesce(max(p.as_of), new_york_end(s.to_date)) AS as_of
FROM merged_statement AS s
LEFT JOIN merged_position_snapshot AS p
    ON p.told_by = 'statement'
    AND p.venue = s.venue
    AND p.account = s.account
    AND p.mode = s.mode
    AND p.as_of BETWEEN new_york_end(s.from_date) AND new_york_end(s.to_date)
WHERE contains(s.sections, ';OpenPositions;')
GROUP BY s.venue, s.account, s.mode, s.from_date, s.to_date, s.generated_at;
