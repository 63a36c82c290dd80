-- Rectification orders: work of its own kind, answered and judged item by item; and what else follows an inspection.

-- An order; its state is in work_items under the same id (kind rectification).
CREATE TABLE rectification_orders (
    id            TEXT PRIMARY KEY REFERENCES work_items (id),
    inspection_id TEXT REFERENCES inspections (id),
    document_id   TEXT REFERENCES documents (id), -- the paper it was issued with
    deadline_days BIGINT NOT NULL,     -- working days given
    requirement   TEXT NOT NULL,       -- what is asked over all, in words
    issued_by     TEXT NOT NULL REFERENCES users (id)
);
CREATE INDEX rectification_orders_by_inspection ON rectification_orders (inspection_id);

-- What must be put right. Never changed.
CREATE TABLE rectification_items (
    id          TEXT PRIMARY KEY,      -- UUIDv7
    order_id    TEXT NOT NULL REFERENCES rectification_orders (id),
    position    BIGINT NOT NULL,       -- on the paper, from 0
    item_code   TEXT NOT NULL,         -- of the template
    key_item    BOOLEAN NOT NULL,
    text        TEXT NOT NULL,         -- the item, in Chinese, as it was then
    finding     TEXT NOT NULL,         -- what was found
    basis       TEXT NOT NULL,         -- what it stands on
    requirement TEXT NOT NULL,         -- what is asked
    evidence    TEXT NOT NULL          -- JSON list: evidence ids of the inspection
);
CREATE INDEX rectification_items_by_order ON rectification_items (order_id);

-- What the canteen answered to an item, and what the officer said to it; one row a round, never changed once judged.
CREATE TABLE rectification_answers (
    id          TEXT PRIMARY KEY,      -- UUIDv7
    order_id    TEXT NOT NULL REFERENCES rectification_orders (id),
    item_id     TEXT NOT NULL REFERENCES rectification_items (id),
    round       BIGINT NOT NULL,       -- 1, 2, ...
    text        TEXT,
    evidence    TEXT NOT NULL,         -- JSON list of file ids
    answered_by TEXT NOT NULL REFERENCES users (id),
    answered_at BIGINT NOT NULL,       -- ms UTC
    accepted    BOOLEAN,               -- NULL: not judged yet
    note        TEXT,                  -- of who judged it
    judged_by   TEXT REFERENCES users (id),
    judged_at   BIGINT,                -- ms UTC
    UNIQUE (item_id, round)
);
CREATE INDEX rectification_answers_by_order ON rectification_answers (order_id);

ALTER TABLE assignments ADD COLUMN order_id TEXT; -- the order whose items a re-check (复查) covers
CREATE INDEX assignments_by_order ON assignments (order_id) WHERE order_id IS NOT NULL;

-- Corrections after submission: what was sent stays; each says which version it stands on, who made it and why.
CREATE TABLE inspection_amendments (
    id            TEXT PRIMARY KEY,    -- UUIDv7
    inspection_id TEXT NOT NULL REFERENCES inspections (id),
    version       BIGINT NOT NULL,     -- 1, 2, ...; 0 is what was submitted
    reason        TEXT NOT NULL,
    changes       TEXT NOT NULL,       -- JSON: answers by item code, as they read now
    result        TEXT NOT NULL,       -- JSON: the judgement over all with the changes
    outcome       TEXT NOT NULL,
    amended_by    TEXT NOT NULL REFERENCES users (id),
    amended_at    BIGINT NOT NULL,     -- ms UTC
    UNIQUE (inspection_id, version)
);

-- Public pages: the word in the address is random, so that ids are not told.
CREATE TABLE disclosures (
    premises_id TEXT PRIMARY KEY REFERENCES premises (id),
    token       TEXT NOT NULL UNIQUE,
    created_at  BIGINT NOT NULL        -- ms UTC
);

INSERT INTO role_permissions (role, permission) VALUES
    ('head', 'orders.read'),
    ('head', 'orders.issue'),
    ('supervisor', 'orders.read'),
    ('supervisor', 'orders.issue'),
    ('officer', 'orders.read'),
    ('officer', 'orders.issue'),
    ('legal_reviewer', 'orders.read'),
    ('food_safety_director', 'orders.read'),
    ('food_safety_director', 'orders.answer'),
    ('food_safety_officer', 'orders.read'),
    ('food_safety_officer', 'orders.answer'),
    ('principal', 'orders.read');
