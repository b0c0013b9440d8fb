-- Macros that steps share to name things.

-- A moment as UTC text.
CREATE OR REPLACE TEMP MACRO moment_text(moment) AS
    strftime(moment AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ');
