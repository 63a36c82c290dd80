-- Who is on duty (值班): told first of what has to be decided.

CREATE TABLE duty_shifts (
    id         TEXT PRIMARY KEY,          -- UUIDv7
    node_id    TEXT NOT NULL REFERENCES organizations (id), -- for everything below it
    user_id    TEXT NOT NULL REFERENCES users (id),
    start_at   BIGINT NOT NULL,           -- ms UTC
    end_at     BIGINT NOT NULL,           -- ms UTC
    created_at BIGINT NOT NULL            -- ms UTC
);
CREATE INDEX duty_shifts_by_end ON duty_shifts (end_at, start_at);
CREATE INDEX duty_shifts_by_user ON duty_shifts (user_id, end_at);
-- What happened to work since a moment.
CREATE INDEX work_items_by_update ON work_items (kind, updated_at);

INSERT INTO role_permissions (role, permission) VALUES
    ('head', 'duties.manage'),
    ('supervisor', 'duties.manage');
