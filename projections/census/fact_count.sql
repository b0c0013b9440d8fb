-- makes fact_count: for each fact table how often its facts were told, and how many there are.
CREATE TABLE fact_count (fact VARCHAR NOT NULL, tellings BIGINT NOT NULL, facts BIGINT NOT NULL);
