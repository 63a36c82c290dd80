-- Alerts that were seen for more than a day, which are few: what lay in a period began at most a day before it, or is one of these.
CREATE INDEX alerts_long ON alerts (last_seen_at) WHERE last_seen_at - raised_at > 86400000;
