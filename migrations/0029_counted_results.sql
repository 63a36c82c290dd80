-- When an inspection was made as far as clocks can be believed, the result that counts, and what failed as rows.

-- The phone's own clock (started_at) may be years off: lists, comparison, plans and the public page go by this one.
ALTER TABLE inspections ADD COLUMN happened_at BIGINT NOT NULL DEFAULT 0; -- ms UTC
ALTER TABLE inspections ADD COLUMN clock_off_ms BIGINT; -- ms the phone's clock was ahead of happened_at; NULL: within two minutes
ALTER TABLE inspections ADD COLUMN result TEXT;         -- JSON: the judgement that counts, the server's or the last amendment's

UPDATE inspections SET
    happened_at = CASE WHEN started_at > received_at OR started_at < received_at - 7776000000 THEN received_at ELSE started_at END,
    clock_off_ms = CASE WHEN started_at > received_at + 120000 OR started_at < received_at - 7776000000 THEN started_at - received_at END,
    result = COALESCE((SELECT a.result FROM inspection_amendments a WHERE a.inspection_id = inspections.id ORDER BY a.version DESC LIMIT 1), server_result);

DROP INDEX inspections_by_premises;
DROP INDEX inspections_by_time;
CREATE INDEX inspections_by_premises ON inspections (premises_id, happened_at);
CREATE INDEX inspections_by_time ON inspections (happened_at, id);

-- Items that failed, as the result that counts has them: written with the submission, written anew with an amendment.
-- Inspections from before this table get theirs by `bright-kitchen check --repair`.
CREATE TABLE inspection_findings (
    inspection_id     TEXT NOT NULL REFERENCES inspections (id),
    item_code         TEXT NOT NULL,       -- of the template's item
    key_item          BOOLEAN NOT NULL,    -- 重点项目
    affects_safety    BOOLEAN,             -- as the officer judged; NULL where not said
    corrected_on_spot BOOLEAN NOT NULL,    -- put right while the officers were there
    PRIMARY KEY (inspection_id, item_code)
);
CREATE INDEX inspection_findings_by_item ON inspection_findings (item_code, inspection_id);

-- Filters of a list that a person keeps under a name.
CREATE TABLE saved_views (
    id         TEXT PRIMARY KEY,                    -- UUIDv7
    user_id    TEXT NOT NULL REFERENCES users (id), -- whose
    page       TEXT NOT NULL,                       -- name of the list, such as inspections
    name       TEXT NOT NULL,                       -- as the person calls it
    query      TEXT NOT NULL,                       -- the filters, as a query string
    created_at BIGINT NOT NULL,                     -- ms UTC
    UNIQUE (user_id, page, name)
);
