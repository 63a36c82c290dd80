-- Pictures of what joined an alert: a bounded number of its occurrences keeps one.
ALTER TABLE alert_occurrences ADD COLUMN still_file_id TEXT REFERENCES files (id); -- the picture that showed it then; NULL: none was kept

-- The first picture of an alert is that of its first occurrence.
UPDATE alert_occurrences SET still_file_id = (
    SELECT a.still_file_id FROM alerts a WHERE a.id = alert_occurrences.alert_id AND a.raised_at = alert_occurrences.at
);
