-- Macros that steps share to name things.

-- A moment as UTC text.
CREATE OR REPLACE TEMP MACRO moment_text(moment) AS
    strftime(moment AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ');

-- A number without the zeros behind its last place.
CREATE OR REPLACE TEMP MACRO number_text(number) AS
    regexp_replace(regexp_replace(number::VARCHAR, '(\.[0-9]*?)0+$', '\1'), '\.$', '');
