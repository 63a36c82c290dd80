-- Recordings that a person, or a kind of work, keeps from retention until they are let go.

CREATE TABLE recording_holds (
    id               TEXT PRIMARY KEY,     -- UUIDv7; the recorder knows the hold by the same id
    camera_id        TEXT NOT NULL REFERENCES cameras (id),
    start_ms         BIGINT NOT NULL,      -- first instant held, ms UTC
    end_ms           BIGINT NOT NULL,      -- first instant after it, ms UTC; may lie ahead: what is recorded then is held too
    reason           TEXT NOT NULL,
    work_kind        TEXT,                 -- kind of work it was held for; NULL: a person held it as such
    work_id          TEXT,                 -- id of that work
    held_by          TEXT,                 -- user; NULL for the system
    held_by_name     TEXT NOT NULL,        -- as it was then
    until_at         BIGINT,               -- let go by itself then, ms UTC; NULL: until somebody lets it go
    placed_at        BIGINT,               -- since when the recorder has it, ms UTC; NULL: not yet
    trouble          TEXT,                 -- why the recorder does not have it yet: no_room | too_many | disk
    released_at      BIGINT,               -- ms UTC; NULL while it stands
    released_by      TEXT,                 -- user; NULL for the system
    released_by_name TEXT,                 -- as it was then
    release_reason   TEXT,
    created_at       BIGINT NOT NULL       -- ms UTC
);
CREATE INDEX recording_holds_by_camera ON recording_holds (camera_id, end_ms);
CREATE INDEX recording_holds_standing ON recording_holds (until_at) WHERE released_at IS NULL;
CREATE INDEX recording_holds_by_work ON recording_holds (work_kind, work_id);

INSERT INTO role_permissions (role, permission) VALUES
    ('head', 'video.hold'),
    ('supervisor', 'video.hold');

-- Sound is not recorded. The column of cameras stays, because a migration that shipped has it; nothing reads it any more.
UPDATE cameras SET audio = FALSE;
