-- Inspections as phones make them: assignments, versioned templates, headers and parts, evidence.

CREATE TABLE checklist_templates (
    id            TEXT PRIMARY KEY,       -- UUIDv7
    code          TEXT NOT NULL,          -- school_canteen | ...
    version       BIGINT NOT NULL,        -- of the template; a draft keeps the one it began with
    name          TEXT NOT NULL,          -- JSON {"zh","en"}
    premises_kinds TEXT NOT NULL,         -- JSON list
    body          TEXT NOT NULL,          -- JSON: rule, sections, items
    sha256        TEXT NOT NULL,          -- of the canonical body
    source        TEXT NOT NULL,          -- rules it stands on
    published_at  BIGINT NOT NULL,        -- ms UTC
    retired_at    BIGINT,                 -- ms UTC
    UNIQUE (code, version)
);

-- An order to inspect; its state is in work_items under the same id.
CREATE TABLE assignments (
    id              TEXT PRIMARY KEY REFERENCES work_items (id),
    template_id     TEXT NOT NULL REFERENCES checklist_templates (id),
    kind            TEXT NOT NULL,        -- routine | unannounced | system | campaign | reinspection
    due_on          TEXT NOT NULL,        -- ISO date, Asia/Shanghai
    approval_number TEXT,
    source          TEXT NOT NULL,        -- annual_plan | random_draw | campaign | alert | complaint | recheck | by_hand
    created_by      TEXT NOT NULL REFERENCES users (id)
);

CREATE TABLE assignment_officers (
    assignment_id TEXT NOT NULL REFERENCES assignments (id),
    user_id       TEXT NOT NULL REFERENCES users (id),
    lead          BOOLEAN NOT NULL,       -- submits
    PRIMARY KEY (assignment_id, user_id)
);
CREATE INDEX assignment_officers_by_user ON assignment_officers (user_id);

CREATE TABLE inspections (
    id            TEXT PRIMARY KEY,       -- made on the phone
    assignment_id TEXT REFERENCES assignments (id),
    premises_id   TEXT NOT NULL REFERENCES premises (id),
    office_id     TEXT NOT NULL,          -- the office it belonged to then
    template_id   TEXT NOT NULL REFERENCES checklist_templates (id),
    kind          TEXT NOT NULL,
    lead_id       TEXT NOT NULL REFERENCES users (id),
    header        TEXT NOT NULL,          -- JSON as sent
    header_sha256 TEXT NOT NULL,          -- hex, canonical JSON
    state         TEXT NOT NULL,          -- draft | submitted (evidence missing) | complete
    started_at    BIGINT NOT NULL,        -- ms UTC, the device's clock
    submission    TEXT,                   -- JSON: parts by hash, choices, as sent
    submission_sha256 TEXT,               -- hex
    phone_result  TEXT,                   -- JSON, as judged on the phone
    server_result TEXT,                   -- JSON, as judged here
    outcome       TEXT,                   -- conforms | basically_conforms | does_not_conform
    differs       BOOLEAN NOT NULL,       -- the two results are not the same
    submitted_at  BIGINT,                 -- ms UTC, received
    complete_at   BIGINT,                 -- ms UTC, all evidence here
    received_at   BIGINT NOT NULL,        -- ms UTC, header first received
    version       BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL         -- ms UTC
);
CREATE INDEX inspections_by_premises ON inspections (premises_id, started_at);
CREATE INDEX inspections_by_time ON inspections (started_at, id);

-- The officers a header names, the lead first: each may add parts and sees the inspection as their own.
CREATE TABLE inspection_officers (
    inspection_id TEXT NOT NULL REFERENCES inspections (id),
    user_id       TEXT NOT NULL REFERENCES users (id),
    position      BIGINT NOT NULL,        -- 0 for the lead
    PRIMARY KEY (inspection_id, user_id)
);
CREATE INDEX inspection_officers_by_user ON inspection_officers (user_id);

-- A part is owned by one officer on one device.
CREATE TABLE inspection_parts (
    id             TEXT PRIMARY KEY,      -- made on the phone
    inspection_id  TEXT NOT NULL REFERENCES inspections (id),
    owner_id       TEXT NOT NULL REFERENCES users (id),
    device_id      TEXT NOT NULL,
    revision       BIGINT NOT NULL,       -- a higher one from the same device replaces, until submission
    content        TEXT NOT NULL,         -- JSON as sent
    content_sha256 TEXT NOT NULL,         -- hex, canonical JSON
    received_at    BIGINT NOT NULL        -- ms UTC
);
CREATE INDEX inspection_parts_by_inspection ON inspection_parts (inspection_id);

-- What the parts promise, and what has arrived. Evidence may come before its inspection.
CREATE TABLE inspection_evidence (
    id            TEXT PRIMARY KEY,       -- made on the phone
    inspection_id TEXT NOT NULL,          -- no foreign key: files may come first
    owner_id      TEXT NOT NULL REFERENCES users (id), -- who promised or brought it
    kind          TEXT,                   -- photo | signature; NULL until a part names it
    item_code     TEXT,
    sha256        TEXT NOT NULL,          -- hex
    filetype      TEXT NOT NULL,
    taken_at      BIGINT,                 -- ms UTC, the device's clock
    file_id       TEXT REFERENCES files (id), -- NULL until arrived
    arrived_at    BIGINT                  -- ms UTC
);
CREATE INDEX inspection_evidence_by_inspection ON inspection_evidence (inspection_id);

-- tus uploads under way.
CREATE TABLE uploads (
    id            TEXT PRIMARY KEY,       -- UUIDv7
    user_id       TEXT NOT NULL REFERENCES users (id),
    inspection_id TEXT NOT NULL,
    evidence_id   TEXT NOT NULL,
    sha256        TEXT NOT NULL,          -- hex, promised
    filetype      TEXT NOT NULL,
    length        BIGINT NOT NULL,        -- bytes
    received      BIGINT NOT NULL,        -- bytes safe on disk
    created_at    BIGINT NOT NULL,        -- ms UTC
    expires_at    BIGINT NOT NULL,        -- ms UTC, deleted when not finished
    done_at       BIGINT                  -- ms UTC
);
CREATE INDEX uploads_expiring ON uploads (expires_at) WHERE done_at IS NULL;

-- What a phone could see under a version of its user's grants: when they change, what it lost is told as gone.
CREATE TABLE sync_scopes (
    user_id       TEXT NOT NULL REFERENCES users (id),
    scope_version BIGINT NOT NULL,
    nodes         TEXT NOT NULL,          -- JSON list of paths
    created_at    BIGINT NOT NULL,        -- ms UTC
    PRIMARY KEY (user_id, scope_version)
);
