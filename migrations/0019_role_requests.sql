-- Roles that wait for a second administrator: an administrator sees no video by that role alone, and no administrator gives
-- another one the means alone. The rule stands in server/src/http/console/users/agreement.rs.
CREATE TABLE role_requests (
    id          TEXT PRIMARY KEY,                       -- UUIDv7
    user_id     TEXT NOT NULL REFERENCES users (id),    -- who would get the role
    role        TEXT NOT NULL REFERENCES roles (code),
    node_id     TEXT NOT NULL,                          -- an organization or a premises
    node_path   TEXT NOT NULL,                          -- that node's path
    valid_until BIGINT,                                 -- ms UTC; until when the role would hold; NULL: until taken back
    asked_by    TEXT NOT NULL REFERENCES users (id),    -- the administrator who gave it
    asked_at    BIGINT NOT NULL,                        -- ms UTC
    state       TEXT NOT NULL,                          -- pending | approved | refused | withdrawn
    decided_by  TEXT REFERENCES users (id),             -- the second administrator; who asked, where it was withdrawn
    decided_at  BIGINT,                                 -- ms UTC
    reason      TEXT                                    -- why it was refused
);
CREATE UNIQUE INDEX role_requests_pending ON role_requests (user_id, role, node_id) WHERE state = 'pending';
CREATE INDEX role_requests_by_time ON role_requests (asked_at, id);

-- Who last chose this person's password in their stead (a new account, a reset): they could have signed in as them. NULL: made
-- or reset at the server itself, or before this was kept.
ALTER TABLE users ADD COLUMN password_by TEXT REFERENCES users (id);
