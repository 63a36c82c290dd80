-- The second door for phones: ODK Collect and its kin, by OpenRosa 1.0.

-- A phone that may come in by it, as one officer.
CREATE TABLE openrosa_devices (
    id            TEXT PRIMARY KEY,    -- UUIDv7
    user_id       TEXT NOT NULL REFERENCES users (id), -- as whom it comes
    name          TEXT NOT NULL,       -- as people call the phone
    login         TEXT NOT NULL UNIQUE, -- user name of its basic authentication
    secret_sha256 TEXT NOT NULL UNIQUE, -- hex, of its random password, which is also the word of /key/{word}/
    path          TEXT NOT NULL,       -- of the node at which it was made, for the audit log
    created_by    TEXT NOT NULL REFERENCES users (id),
    created_at    BIGINT NOT NULL,     -- ms UTC
    revoked_by    TEXT REFERENCES users (id),
    revoked_at    BIGINT,              -- ms UTC
    last_seen_at  BIGINT               -- ms UTC, to the minute
);
CREATE INDEX openrosa_devices_by_user ON openrosa_devices (user_id, created_at);

-- What was sent, as sent. An edited form is a row of its own that names the one before.
CREATE TABLE openrosa_submissions (
    instance_id   TEXT PRIMARY KEY,    -- as the form names itself
    inspection_id TEXT NOT NULL,       -- the inspection it became; made from it before there is one
    device_id     TEXT NOT NULL REFERENCES openrosa_devices (id),
    deprecated_id TEXT,                -- the form that it edits
    xml_sha256    TEXT NOT NULL,       -- hex, of content
    content       TEXT NOT NULL,       -- the XML
    received_at   BIGINT NOT NULL      -- ms UTC
);
CREATE INDEX openrosa_submissions_by_inspection ON openrosa_submissions (inspection_id, received_at);

-- Pictures that came with it, by the name that the XML says. They may come in several requests.
CREATE TABLE openrosa_media (
    instance_id TEXT NOT NULL REFERENCES openrosa_submissions (instance_id),
    name        TEXT NOT NULL,
    file_id     TEXT NOT NULL REFERENCES files (id),
    received_at BIGINT NOT NULL,       -- ms UTC
    PRIMARY KEY (instance_id, name)
);

-- What an inspection that came by this door lacks before it is whole (待补正), and how it was made good. What was sent stays.
CREATE TABLE inspection_lacks (
    inspection_id TEXT NOT NULL REFERENCES inspections (id),
    what          TEXT NOT NULL,       -- answers | media | second_officer | recusal | signature
    detail        TEXT NOT NULL,       -- JSON list: items that want an answer, names of pictures
    noted_at      BIGINT NOT NULL,     -- ms UTC
    done_at       BIGINT,              -- ms UTC
    done_by       TEXT REFERENCES users (id),
    done          TEXT,                -- JSON: what was supplied
    PRIMARY KEY (inspection_id, what)
);
CREATE INDEX inspection_lacks_open ON inspection_lacks (inspection_id) WHERE done_at IS NULL;
