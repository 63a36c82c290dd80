-- Premises that were registered twice: one is merged into the other, which has everything from then on.
ALTER TABLE premises ADD COLUMN merged_into TEXT REFERENCES premises (id); -- the one that has everything now; NULL: not merged
ALTER TABLE premises ADD COLUMN merged_at BIGINT; -- ms UTC
CREATE INDEX premises_merged ON premises (merged_into) WHERE merged_into IS NOT NULL;

INSERT INTO role_permissions (role, permission) VALUES
    ('supervisor', 'premises.merge'),
    ('administrator', 'premises.merge');
