-- Alerts of one cause: a power cut takes all cameras of a site.

ALTER TABLE alerts ADD COLUMN cause_id TEXT REFERENCES alerts (id); -- the first alert of the cause; its own id there; NULL: it stands alone
CREATE INDEX alerts_by_cause ON alerts (cause_id) WHERE cause_id IS NOT NULL;
