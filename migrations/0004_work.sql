-- Work that moves between people under a deadline: one mechanism for every kind.

CREATE TABLE work_items (
    id          TEXT PRIMARY KEY,         -- UUIDv7; the same id as the thing itself (alert, assignment, ...)
    kind        TEXT NOT NULL,            -- alert | assignment | ...
    state       TEXT NOT NULL,            -- of the kind's own table of states
    level       TEXT NOT NULL,            -- lateness beside the state: none | yellow | red | supervised
    premises_id TEXT NOT NULL REFERENCES premises (id),
    office_id   TEXT NOT NULL,            -- the office it belonged to when it arose
    owner_id    TEXT,                     -- user who answers for the next step, where one does
    due_at      BIGINT,                   -- nearest running clock, ms UTC
    open        BOOLEAN NOT NULL,         -- false in a final state
    version     BIGINT NOT NULL,          -- grows with each transition; stale ones are refused
    created_at  BIGINT NOT NULL,          -- ms UTC
    updated_at  BIGINT NOT NULL,          -- ms UTC
    closed_at   BIGINT                    -- ms UTC
);
CREATE INDEX work_items_open ON work_items (kind, open, due_at);
CREATE INDEX work_items_by_premises ON work_items (premises_id, kind);

-- Named clocks; several may run at once.
CREATE TABLE work_clocks (
    id         TEXT PRIMARY KEY,          -- UUIDv7
    work_id    TEXT NOT NULL REFERENCES work_items (id),
    name       TEXT NOT NULL,             -- answer | rectify | ...
    unit       TEXT NOT NULL,             -- minutes | service_hours | calendar_days | working_days | until
    amount     BIGINT NOT NULL,           -- in that unit; 0 where a person set the moment
    started_at BIGINT NOT NULL,           -- ms UTC
    due_at     BIGINT NOT NULL,           -- ms UTC
    paused_at  BIGINT,                    -- ms UTC
    stopped_at BIGINT,                    -- ms UTC
    half_at    BIGINT,                    -- ms UTC, reminded at half-time
    yellow_at  BIGINT,                    -- ms UTC, became late
    red_at     BIGINT                     -- ms UTC, late again by as much
);
CREATE INDEX work_clocks_running ON work_clocks (due_at) WHERE stopped_at IS NULL;
CREATE INDEX work_clocks_by_work ON work_clocks (work_id);

-- Every act, never changed.
CREATE TABLE work_history (
    id         TEXT PRIMARY KEY,          -- UUIDv7
    work_id    TEXT NOT NULL REFERENCES work_items (id),
    at         BIGINT NOT NULL,           -- ms UTC
    actor_kind TEXT NOT NULL,             -- user | system
    actor_id   TEXT,
    actor_name TEXT NOT NULL,             -- as it was then
    action     TEXT NOT NULL,
    from_state TEXT,                      -- NULL for the first
    to_state   TEXT NOT NULL,
    reason     TEXT,
    text       TEXT,
    deadline   BIGINT,                    -- ms UTC
    evidence   TEXT NOT NULL,             -- JSON list of file ids
    rule       TEXT,                      -- rule and version, where the system acted
    version    BIGINT NOT NULL            -- of the work item after it
);
CREATE INDEX work_history_by_work ON work_history (work_id, at);

-- Telling somebody; changes no state.
CREATE TABLE notices (
    id         TEXT PRIMARY KEY,          -- UUIDv7
    work_id    TEXT REFERENCES work_items (id),
    user_id    TEXT NOT NULL REFERENCES users (id),
    kind       TEXT NOT NULL,             -- alert_raised | dispatched | half_time | overdue | sent_back | closed | assigned
    detail     TEXT NOT NULL,             -- JSON the texts are filled from
    show_at    BIGINT NOT NULL,           -- ms UTC, not before (undo)
    read_at    BIGINT,                    -- ms UTC
    created_at BIGINT NOT NULL            -- ms UTC
);
CREATE INDEX notices_by_user ON notices (user_id, show_at);
CREATE INDEX notices_by_work ON notices (work_id);

-- Files in the object store, named by content.
CREATE TABLE files (
    id         TEXT PRIMARY KEY,          -- UUIDv7
    sha256     TEXT NOT NULL,             -- hex; the object's key
    filetype   TEXT NOT NULL,             -- image/jpeg | image/png | image/webp | video/mp4
    bytes      BIGINT NOT NULL,
    width      BIGINT,                    -- pixels
    height     BIGINT,                    -- pixels
    user_id    TEXT,                      -- who brought it; NULL for the system
    created_at BIGINT NOT NULL            -- ms UTC
);
CREATE INDEX files_by_sha256 ON files (sha256);

-- An alert: what a camera's stream showed or lacked. Its state is in work_items under the same id.
CREATE TABLE alerts (
    id            TEXT PRIMARY KEY REFERENCES work_items (id),
    kind          TEXT NOT NULL,          -- signal_lost | black | frozen | ...
    class         BIGINT NOT NULL,        -- 1, 2, 3; 0 for device kinds
    camera_id     TEXT NOT NULL REFERENCES cameras (id),
    began_at      BIGINT NOT NULL,        -- ms UTC, when the picture changed
    raised_at     BIGINT NOT NULL,        -- ms UTC
    last_seen_at  BIGINT NOT NULL,        -- ms UTC
    ended_at      BIGINT,                 -- ms UTC, the picture is back
    count         BIGINT NOT NULL,        -- occurrences joined into this alert
    measure       DOUBLE PRECISION NOT NULL, -- what was measured, in the rule's unit
    threshold     DOUBLE PRECISION NOT NULL, -- the rule's at that moment
    rule          TEXT NOT NULL,          -- JSON: the rule as it stood
    still_file_id TEXT REFERENCES files (id),
    clip_state    TEXT NOT NULL,          -- pending | ready | none
    clip_file_id  TEXT REFERENCES files (id),
    clip_start    BIGINT,                 -- ms UTC
    clip_end      BIGINT                  -- ms UTC
);
CREATE INDEX alerts_by_camera ON alerts (camera_id, raised_at);
CREATE INDEX alerts_by_time ON alerts (raised_at, id);

CREATE TABLE alert_occurrences (
    id       TEXT PRIMARY KEY,            -- UUIDv7
    alert_id TEXT NOT NULL REFERENCES alerts (id),
    at       BIGINT NOT NULL,             -- ms UTC
    measure  DOUBLE PRECISION NOT NULL
);
CREATE INDEX alert_occurrences_by_alert ON alert_occurrences (alert_id, at);
