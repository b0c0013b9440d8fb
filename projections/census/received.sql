-- events -> the events that had been received by $1.
SELECT *
FROM events
WHERE received_by(TRY(decode(state)), $1::TIMESTAMPTZ);
