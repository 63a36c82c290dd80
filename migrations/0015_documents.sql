-- Papers: layouts, the register of numbers, and what was issued.

-- Layouts that a bureau changed, as versions; where a kind has none, the one that ships holds. Never changed afterwards.
CREATE TABLE document_layouts (
    id         TEXT PRIMARY KEY,       -- UUIDv7
    kind       TEXT NOT NULL,          -- inspection_record | on_site_record | rectification_order | warning | disclosure
    version    BIGINT NOT NULL,        -- 1, 2, ...; the highest holds
    source     TEXT NOT NULL,          -- Typst
    sha256     TEXT NOT NULL,          -- hex, of the source
    note       TEXT NOT NULL,          -- what was changed, in words
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,        -- ms UTC
    UNIQUE (kind, version)
);

-- A row per office, kind and year: the number that comes next.
CREATE TABLE paper_registers (
    office_id   TEXT NOT NULL REFERENCES organizations (id),
    kind        TEXT NOT NULL,         -- as in document_layouts
    year        BIGINT NOT NULL,       -- Asia/Shanghai
    next_number BIGINT NOT NULL,       -- all below it have a row in paper_numbers
    PRIMARY KEY (office_id, kind, year)
);

-- What was issued. The file is rendered once; it is evidence.
CREATE TABLE documents (
    id            TEXT PRIMARY KEY,    -- UUIDv7
    kind          TEXT NOT NULL,       -- as in document_layouts
    number        TEXT NOT NULL,       -- as printed: 〔2026〕12号
    office_id     TEXT NOT NULL REFERENCES organizations (id), -- in whose register it stands
    premises_id   TEXT NOT NULL REFERENCES premises (id),
    inspection_id TEXT REFERENCES inspections (id),
    work_id       TEXT REFERENCES work_items (id), -- the order it was issued with
    state         TEXT NOT NULL,       -- issued | void
    layout_version BIGINT NOT NULL,    -- 0: the one that ships
    layout_sha256 TEXT NOT NULL,       -- hex
    fonts_sha256  TEXT NOT NULL,       -- hex, of the fonts it was set with
    program       TEXT NOT NULL,       -- version of the program that rendered it
    data          TEXT NOT NULL,       -- JSON the layout was given; pictures by their hash
    data_sha256   TEXT NOT NULL,       -- hex, canonical JSON
    file_id       TEXT NOT NULL REFERENCES files (id),
    sha256        TEXT NOT NULL,       -- hex, of the file
    pages         BIGINT NOT NULL,
    issued_by     TEXT NOT NULL REFERENCES users (id),
    issued_at     BIGINT NOT NULL,     -- ms UTC
    voided_by     TEXT REFERENCES users (id),
    voided_at     BIGINT,              -- ms UTC
    void_reason   TEXT
);
CREATE INDEX documents_by_inspection ON documents (inspection_id);
CREATE INDEX documents_by_premises ON documents (premises_id, issued_at);
CREATE INDEX documents_by_time ON documents (issued_at, id);
CREATE INDEX documents_by_work ON documents (work_id);

-- Every number that was ever given, with what became of it.
CREATE TABLE paper_numbers (
    id           TEXT PRIMARY KEY,     -- UUIDv7
    office_id    TEXT NOT NULL REFERENCES organizations (id),
    kind         TEXT NOT NULL,        -- as in document_layouts
    year         BIGINT NOT NULL,
    number       BIGINT NOT NULL,      -- 1, 2, ...
    state        TEXT NOT NULL,        -- issued | reserved | void
    document_id  TEXT REFERENCES documents (id), -- NULL while reserved, and where voided before use
    reserved_for TEXT REFERENCES users (id),
    device_id    TEXT,                 -- the phone that holds it
    reason       TEXT,                 -- why it was voided
    created_at   BIGINT NOT NULL,      -- ms UTC
    updated_at   BIGINT NOT NULL,      -- ms UTC
    UNIQUE (office_id, kind, year, number)
);
CREATE INDEX paper_numbers_reserved ON paper_numbers (reserved_for, state);

INSERT INTO role_permissions (role, permission) VALUES
    ('administrator', 'documents.read'),
    ('administrator', 'documents.manage'),
    ('head', 'documents.read'),
    ('head', 'documents.issue'),
    ('head', 'documents.manage'),
    ('supervisor', 'documents.read'),
    ('supervisor', 'documents.issue'),
    ('supervisor', 'documents.manage'),
    ('officer', 'documents.read'),
    ('officer', 'documents.issue'),
    ('legal_reviewer', 'documents.read'),
    ('food_safety_director', 'documents.read'),
    ('food_safety_officer', 'documents.read'),
    ('principal', 'documents.read');
