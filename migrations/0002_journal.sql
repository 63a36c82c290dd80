-- What happened, in the order in which it was committed: the change log that phones and consoles follow,
-- the audit chain, and the queues that work through both.

-- Rows are written with the change and numbered after it, so that a cursor never skips a late commit.
CREATE TABLE change_log (
    id          TEXT PRIMARY KEY,         -- UUIDv7
    seq         BIGINT UNIQUE,            -- number in commit order; NULL until numbered
    at          BIGINT NOT NULL,          -- ms UTC
    entity      TEXT NOT NULL,            -- alert | camera | premises | ...
    entity_id   TEXT NOT NULL,
    op          TEXT NOT NULL,            -- upsert | delete
    path        TEXT NOT NULL,            -- node it belongs to; '/' for what everybody may know
    premises_id TEXT,                     -- where it is bound to one
    user_id     TEXT                      -- where it concerns one person only
);
CREATE INDEX change_log_unnumbered ON change_log (id) WHERE seq IS NULL;
CREATE INDEX change_log_by_entity ON change_log (entity, entity_id);

-- Append only. Each row's hash covers the row and the hash before it.
CREATE TABLE audit_log (
    id          TEXT PRIMARY KEY,         -- UUIDv7
    seq         BIGINT UNIQUE,            -- place in the chain; NULL until linked (within a second)
    at          BIGINT NOT NULL,          -- ms UTC
    actor_id    TEXT,                     -- user; NULL for the system and for failed sign-ins
    actor_name  TEXT NOT NULL,            -- as it was then
    action      TEXT NOT NULL,            -- login | view_live | view_recording | export | create | update | alert_confirm | ...
    entity      TEXT,                     -- what was acted on
    entity_id   TEXT,
    path        TEXT NOT NULL,            -- node it belongs to; '/' for the system
    detail      TEXT NOT NULL,            -- JSON, canonical
    ip          TEXT,                     -- peer address
    request_id  TEXT,                     -- of the log
    prev_hash   TEXT,                     -- hex SHA-256
    hash        TEXT                      -- hex SHA-256 over the canonical row
);
CREATE INDEX audit_log_unlinked ON audit_log (id) WHERE seq IS NULL;
CREATE INDEX audit_log_by_time ON audit_log (at);
CREATE INDEX audit_log_by_entity ON audit_log (entity, entity_id);

-- The chain's head, signed once a day and shown outside the database.
CREATE TABLE audit_heads (
    day        TEXT PRIMARY KEY,          -- ISO date, Asia/Shanghai
    seq        BIGINT NOT NULL,
    hash       TEXT NOT NULL,             -- hex
    key_id     TEXT NOT NULL,             -- signing key
    signature  TEXT NOT NULL,             -- base64 Ed25519 over "day seq hash"
    signed_at  BIGINT NOT NULL            -- ms UTC
);

-- Work to be done later, at least once.
CREATE TABLE jobs (
    id           TEXT PRIMARY KEY,        -- UUIDv7
    kind         TEXT NOT NULL,           -- clip | deliver | remind | ...
    subject      TEXT NOT NULL,           -- one waiting job a kind and subject
    payload      TEXT NOT NULL,           -- JSON
    run_at       BIGINT NOT NULL,         -- ms UTC, not before
    attempts     BIGINT NOT NULL,
    locked_until BIGINT,                  -- ms UTC, a runner has it
    done_at      BIGINT,                  -- ms UTC
    failed_at    BIGINT,                  -- ms UTC, given up
    last_error   TEXT,
    created_at   BIGINT NOT NULL          -- ms UTC
);
CREATE INDEX jobs_waiting ON jobs (run_at) WHERE done_at IS NULL AND failed_at IS NULL;
CREATE UNIQUE INDEX jobs_by_subject ON jobs (kind, subject) WHERE done_at IS NULL AND failed_at IS NULL;

CREATE TABLE webhooks (
    id            TEXT PRIMARY KEY,       -- UUIDv7
    url           TEXT NOT NULL,          -- https, or http inside the allowed networks
    secret_sealed TEXT NOT NULL,          -- HMAC-SHA256 key, sealed
    kinds         TEXT NOT NULL,          -- JSON list of alert kinds; [] for all
    enabled       BOOLEAN NOT NULL,
    path          TEXT NOT NULL,          -- alerts below this node
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,        -- ms UTC
    updated_at    BIGINT NOT NULL         -- ms UTC
);

-- One row an event and webhook: the event's id never changes between tries.
CREATE TABLE outbox (
    id           TEXT PRIMARY KEY,        -- UUIDv7, sent as the event's id
    webhook_id   TEXT NOT NULL REFERENCES webhooks (id),
    event        TEXT NOT NULL,           -- alert.raised | alert.confirmed | ...
    dedupe_key   TEXT NOT NULL,           -- event, subject and version
    body         TEXT NOT NULL,           -- JSON as sent
    attempts     BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,         -- ms UTC
    delivered_at BIGINT,                  -- ms UTC
    failed_at    BIGINT,                  -- ms UTC, given up
    last_status  BIGINT,                  -- HTTP status
    last_error   TEXT,
    created_at   BIGINT NOT NULL,         -- ms UTC
    UNIQUE (webhook_id, dedupe_key)
);
CREATE INDEX outbox_waiting ON outbox (next_at) WHERE delivered_at IS NULL AND failed_at IS NULL;

-- Settings that a bureau changes, at the system, a premises or a camera.
CREATE TABLE settings (
    scope      TEXT NOT NULL,             -- system | premises | camera
    scope_id   TEXT NOT NULL,             -- '' for the system
    name       TEXT NOT NULL,             -- diagnosis | ...
    value      TEXT NOT NULL,             -- JSON
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,           -- ms UTC
    PRIMARY KEY (scope, scope_id, name)
);
