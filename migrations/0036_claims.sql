-- Who has taken work on (work_items.owner_id), since when, and from whose hands into whose it went.

ALTER TABLE work_items ADD COLUMN owner_since BIGINT;   -- ms UTC; NULL where nobody has it
CREATE INDEX work_items_by_owner ON work_items (owner_id) WHERE owner_id IS NOT NULL;

-- Who got it, as they were called then; for hand_over.
ALTER TABLE work_history ADD COLUMN given_to TEXT;
