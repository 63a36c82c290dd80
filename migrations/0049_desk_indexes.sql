-- Alerts that were seen for more than a day, which are few: what lay in a period began at most a day before it, or is one of these.
CREATE INDEX alerts_long ON alerts (last_seen_at) WHERE last_seen_at - raised_at > 86400000;
-- The overview adds up days from the index alone.
DROP INDEX work_items_by_time;
CREATE INDEX work_items_by_time ON work_items (kind, created_at, id, premises_id, state);
-- What was dispatched in a month.
CREATE INDEX work_clocks_by_start ON work_clocks (name, started_at, work_id);
