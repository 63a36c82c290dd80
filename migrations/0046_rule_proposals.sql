-- Cameras whose flags are mostly dismissed: another figure for the rule that raised them, tried over what was recorded before it is
-- applied.

CREATE TABLE rule_proposals (
    id         TEXT PRIMARY KEY,          -- UUIDv7
    camera_id  TEXT NOT NULL REFERENCES cameras (id),
    kind       TEXT NOT NULL,             -- as in alerts
    state      TEXT NOT NULL,             -- proposed | trying | tried | failed | applied | declined | withdrawn
    confirmed  BIGINT NOT NULL,           -- flags since since_at that people confirmed
    dismissed  BIGINT NOT NULL,           -- of those, dismissed as none
    since_at   BIGINT NOT NULL,           -- ms UTC
    threshold  DOUBLE PRECISION,          -- what is proposed, in the kind's own unit; NULL: nothing yet, or nothing fits
    duration_s DOUBLE PRECISION,          -- s, with threshold
    given      BOOLEAN NOT NULL,          -- threshold and duration_s were given by a person
    phase      TEXT,                      -- clips | sample; NULL: not being tried
    done       BIGINT NOT NULL,           -- of the phase
    total      BIGINT NOT NULL,           -- of the phase
    work       TEXT,                      -- JSON: what the trial has found so far; NULL: nothing
    result     TEXT,                      -- JSON: what it found and what it was computed from
    problem    TEXT,                      -- why it failed
    tried_by   TEXT REFERENCES users (id),
    tried_at   BIGINT,                    -- ms UTC, when the last trial was asked for
    ended_by   TEXT REFERENCES users (id),
    ended_at   BIGINT,                    -- ms UTC, applied, declined or withdrawn
    reason     TEXT,                      -- why it was applied or declined
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL            -- ms UTC
);
-- One is open for each rule of a camera.
CREATE UNIQUE INDEX rule_proposals_open ON rule_proposals (camera_id, kind) WHERE ended_at IS NULL;
CREATE INDEX rule_proposals_ended ON rule_proposals (camera_id, kind, ended_at) WHERE ended_at IS NOT NULL;
