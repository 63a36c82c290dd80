-- Alerts are found by words: the index itself is each engine's own and is made by the program (store/search.rs).

ALTER TABLE alerts ADD COLUMN number BIGINT;  -- grows with each alert that is raised; NULL until the index knows it
CREATE INDEX alerts_by_number ON alerts (number, raised_at, id);

-- The inbox: what stands in a state, what there is at all, and what a premises has, newest first.
CREATE INDEX work_items_by_state ON work_items (kind, state, created_at, id);
CREATE INDEX work_items_by_time ON work_items (kind, created_at, id);
DROP INDEX work_items_by_premises;
CREATE INDEX work_items_by_premises ON work_items (premises_id, kind, created_at, id);
-- Inspections that are under way, which are few.
CREATE INDEX inspections_in_draft ON inspections (premises_id) WHERE state = 'draft';
