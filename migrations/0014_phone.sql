-- What phones leave with us while they are on line, and what came after its officer was no longer let in.

-- An officer's keys to their drafts, sealed to the server's public key: opened only for a login that has just begun.
CREATE TABLE draft_keys (
    user_id    TEXT PRIMARY KEY REFERENCES users (id),
    sealed     TEXT NOT NULL,          -- base64: point, nonce, sealed keys
    sha256     TEXT NOT NULL,          -- hex, of sealed: named by whoever replaces it
    updated_at BIGINT NOT NULL         -- ms UTC
);

-- Drafts and their files, encrypted on the phone. The content lies below the data folder.
CREATE TABLE draft_backups (
    user_id    TEXT NOT NULL REFERENCES users (id),
    id         TEXT NOT NULL,          -- made on the phone
    draft_id   TEXT NOT NULL,          -- the draft it belongs to; its own id where it is the draft
    revision   BIGINT NOT NULL,        -- a higher one replaces
    device_id  TEXT NOT NULL,
    sha256     TEXT NOT NULL,          -- hex, of the encrypted content
    bytes      BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,        -- ms UTC
    PRIMARY KEY (user_id, id)
);
CREATE INDEX draft_backups_by_age ON draft_backups (updated_at);

-- Inspections that came when their officer might not send them any more: kept until somebody decides, and after it.
CREATE TABLE late_inspections (
    id            TEXT PRIMARY KEY,    -- UUIDv7
    inspection_id TEXT NOT NULL,       -- made on the phone
    user_id       TEXT NOT NULL REFERENCES users (id),
    sha256        TEXT NOT NULL,       -- hex, canonical JSON of content
    content       TEXT NOT NULL,       -- JSON {"put", "submit"} as the phone would have sent them
    reason        TEXT NOT NULL,       -- account_ended | not_permitted | refused
    premises_id   TEXT,                -- where it names one that exists
    path          TEXT NOT NULL,       -- of that premises; / where it is unknown
    bytes         BIGINT NOT NULL,     -- of content
    state         TEXT NOT NULL,       -- waiting | accepted | rejected
    decided_by    TEXT REFERENCES users (id),
    decided_at    BIGINT,              -- ms UTC
    decision      TEXT,                -- why, in words
    version       BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,     -- ms UTC
    UNIQUE (inspection_id, user_id, sha256)
);
CREATE INDEX late_inspections_by_state ON late_inspections (state, received_at);

-- Their photos and signatures.
CREATE TABLE late_files (
    evidence_id   TEXT NOT NULL,       -- made on the phone
    user_id       TEXT NOT NULL REFERENCES users (id),
    sha256        TEXT NOT NULL,       -- hex
    inspection_id TEXT NOT NULL,
    filetype      TEXT NOT NULL,
    bytes         BIGINT NOT NULL,
    file_id       TEXT NOT NULL REFERENCES files (id),
    received_at   BIGINT NOT NULL,     -- ms UTC
    PRIMARY KEY (evidence_id, user_id, sha256)
);
CREATE INDEX late_files_by_inspection ON late_files (inspection_id, user_id);
