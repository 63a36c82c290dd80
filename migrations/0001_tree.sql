-- The tree city > district > office > premises, the operators beside it, and who may do what where.
-- Conventions for every table are in README.md: ids are UUIDv7 text, *_at is milliseconds UTC, *_on is an ISO date.

-- An authority in the tree; premises hang below offices (or, where a bureau has none, below the district).
CREATE TABLE organizations (
    id         TEXT PRIMARY KEY,          -- UUIDv7
    parent_id  TEXT REFERENCES organizations (id), -- the authority above; NULL only at the top
    level      TEXT NOT NULL,             -- city | district | office
    name       TEXT NOT NULL,             -- as people read it
    name_key   TEXT NOT NULL,             -- pinyin and initials, lower case: order and search
    path       TEXT NOT NULL,             -- '/id/id/' from the top to this node: what a scope matches
    version    BIGINT NOT NULL,           -- grows by one with each change
    created_at BIGINT NOT NULL,           -- ms UTC
    updated_at BIGINT NOT NULL            -- ms UTC
);
CREATE INDEX organizations_by_parent ON organizations (parent_id);

-- The firm or school that is answerable (经营主体).
CREATE TABLE operators (
    id                 TEXT PRIMARY KEY,  -- UUIDv7
    name               TEXT NOT NULL,     -- registered name
    name_key           TEXT NOT NULL,     -- pinyin and initials
    credit_code        TEXT UNIQUE,       -- 18-character unified social credit code
    contact_name       TEXT,              -- person to reach
    contact_phone      TEXT,              -- as given
    licence_number     TEXT,              -- food licence
    licence_scope      TEXT,              -- what it allows
    licence_expires_on TEXT,              -- ISO date
    version            BIGINT NOT NULL,   -- grows by one with each change
    created_at         BIGINT NOT NULL,   -- ms UTC
    updated_at         BIGINT NOT NULL    -- ms UTC
);

-- A place that is supervised (场所).
CREATE TABLE premises (
    id              TEXT PRIMARY KEY,     -- UUIDv7
    organization_id TEXT NOT NULL REFERENCES organizations (id), -- the office it belongs to now
    path            TEXT NOT NULL,        -- the office's path plus this id
    kind            TEXT NOT NULL,        -- school_canteen | kindergarten_canteen | central_kitchen | ...
    name            TEXT NOT NULL,        -- as people read it
    name_key        TEXT NOT NULL,        -- pinyin and initials
    address         TEXT,                 -- street address
    latitude        DOUBLE PRECISION,     -- WGS-84 degrees
    longitude       DOUBLE PRECISION,     -- WGS-84 degrees
    source_datum    TEXT,                 -- datum the point was given in: wgs84 | gcj02 | bd09
    school          TEXT,                 -- school it feeds
    diners          BIGINT,               -- people at the largest meal
    risk_grade      TEXT,                 -- A | B | C | D
    grid            TEXT,                 -- grid it lies in, by name
    code            TEXT UNIQUE,          -- code at the door, scanned to open and close a visit
    service_hours   TEXT NOT NULL,        -- JSON: [{"days":[1..7],"from":"06:30","to":"18:30"}], Asia/Shanghai
    disabled_at     BIGINT,               -- ms UTC; NULL while supervised
    version         BIGINT NOT NULL,      -- grows by one with each change
    created_at      BIGINT NOT NULL,      -- ms UTC
    updated_at      BIGINT NOT NULL       -- ms UTC
);
CREATE INDEX premises_by_organization ON premises (organization_id);
CREATE INDEX premises_by_name ON premises (name_key, id);

-- Who operates a premises, in what part, and when.
CREATE TABLE premises_operators (
    premises_id TEXT NOT NULL REFERENCES premises (id),
    operator_id TEXT NOT NULL REFERENCES operators (id),
    part        TEXT NOT NULL,            -- own | contractor | supplier
    valid_from  TEXT,                     -- ISO date; NULL: from the beginning
    valid_until TEXT,                     -- ISO date; NULL: until further notice
    PRIMARY KEY (premises_id, operator_id)
);

CREATE TABLE users (
    id                   TEXT PRIMARY KEY,    -- UUIDv7
    username             TEXT NOT NULL UNIQUE, -- lower case
    display_name         TEXT NOT NULL,       -- as people read it
    name_key             TEXT NOT NULL,       -- pinyin and initials
    phone                TEXT,                -- as given
    certificate_number   TEXT,                -- law-enforcement certificate (执法证号)
    password_hash        TEXT NOT NULL,       -- argon2id, PHC string
    must_change_password BOOLEAN NOT NULL,    -- an administrator set the password
    scope_version        BIGINT NOT NULL,     -- grows when grants change: cursors and streams are bound to it
    disabled_at          BIGINT,              -- ms UTC
    last_login_at        BIGINT,              -- ms UTC
    version              BIGINT NOT NULL,     -- grows by one with each change
    created_at           BIGINT NOT NULL,     -- ms UTC
    updated_at           BIGINT NOT NULL      -- ms UTC
);

-- A role is a named set of permissions, as data.
CREATE TABLE roles (
    code    TEXT PRIMARY KEY,             -- as in the API
    name_zh TEXT NOT NULL,
    name_en TEXT NOT NULL,
    position BIGINT NOT NULL              -- order in lists
);

CREATE TABLE role_permissions (
    role       TEXT NOT NULL REFERENCES roles (code),
    permission TEXT NOT NULL,             -- see server/src/domain/permission.rs
    PRIMARY KEY (role, permission)
);

-- A role of a person at a node of the tree: it reaches that node and what is below it.
CREATE TABLE grants (
    id          TEXT PRIMARY KEY,         -- UUIDv7
    user_id     TEXT NOT NULL REFERENCES users (id),
    role        TEXT NOT NULL REFERENCES roles (code),
    node_id     TEXT NOT NULL,            -- an organization or a premises
    node_path   TEXT NOT NULL,            -- that node's path
    valid_until BIGINT,                   -- ms UTC; NULL: until taken back
    UNIQUE (user_id, role, node_id)
);
CREATE INDEX grants_by_node ON grants (node_id);

-- One login: what signing out, disabling and reuse of a spent refresh token end.
CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,          -- UUIDv7; `sid` in access tokens
    user_id    TEXT NOT NULL REFERENCES users (id),
    device_id  TEXT,                      -- as the client named itself
    created_at BIGINT NOT NULL,           -- ms UTC
    ended_at   BIGINT,                    -- ms UTC
    end_reason TEXT                       -- signed_out | reuse | disabled | password_changed | scope_changed
);
CREATE INDEX sessions_by_user ON sessions (user_id, ended_at);

-- Refresh tokens rotate: each is spent once and names its successor.
CREATE TABLE refresh_tokens (
    id               TEXT PRIMARY KEY,    -- UUIDv7
    session_id       TEXT NOT NULL REFERENCES sessions (id),
    token_hash       TEXT NOT NULL UNIQUE, -- SHA-256, hex
    issued_at        BIGINT NOT NULL,     -- ms UTC
    expires_at       BIGINT NOT NULL,     -- ms UTC
    used_at          BIGINT,              -- ms UTC
    successor_sealed TEXT                 -- the successor, sealed: given again within the grace to the same device
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- Failed sign-ins by name, whether or not such a user exists: both look alike from outside.
CREATE TABLE login_failures (
    username     TEXT PRIMARY KEY,        -- lower case, as tried
    failed_count BIGINT NOT NULL,         -- in a row
    last_at      BIGINT NOT NULL,         -- ms UTC
    locked_until BIGINT                   -- ms UTC
);

-- Ed25519 keys that sign access tokens and audit heads; the newest not retired signs.
CREATE TABLE signing_keys (
    id             TEXT PRIMARY KEY,      -- `kid`
    private_sealed TEXT NOT NULL,         -- PKCS#8, sealed with the key file in the data folder
    public_key     TEXT NOT NULL,         -- base64 of the 32 bytes
    created_at     BIGINT NOT NULL,       -- ms UTC
    retired_at     BIGINT                 -- ms UTC; still verifies for the life of an access token
);

-- One-time links printed at first start.
CREATE TABLE setup_links (
    token_hash TEXT PRIMARY KEY,          -- SHA-256, hex
    created_at BIGINT NOT NULL,           -- ms UTC
    expires_at BIGINT NOT NULL,           -- ms UTC
    used_at    BIGINT                     -- ms UTC
);

-- Answers already given to a request with an Idempotency-Key.
CREATE TABLE idempotency_keys (
    user_id      TEXT NOT NULL,
    key          TEXT NOT NULL,           -- as sent
    request_hash TEXT NOT NULL,           -- SHA-256 of method, path and body
    status       BIGINT NOT NULL,         -- HTTP status answered
    body         TEXT NOT NULL,           -- JSON answered
    created_at   BIGINT NOT NULL,         -- ms UTC
    PRIMARY KEY (user_id, key)
);
