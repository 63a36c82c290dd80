-- Plans by risk grade, double random draws, and what both need to know of officers and operators.

-- Approving plans and draws is the head's; planning stays with those who manage assignments.
INSERT INTO role_permissions (role, permission) SELECT code, 'assignments.approve' FROM roles WHERE code = 'head';

-- Number of the complaint, report or letter that a check came of; the plan or the draw it was made by; what was merged into it.
ALTER TABLE assignments ADD COLUMN source_number TEXT;
ALTER TABLE assignments ADD COLUMN plan_id TEXT; -- inspection_plans.id; NULL: none
ALTER TABLE assignments ADD COLUMN draw_id TEXT; -- draws.id; NULL: none
ALTER TABLE assignments ADD COLUMN merged TEXT NOT NULL DEFAULT '[]'; -- JSON list of texts: checks done in the same visit (综合查一次)
CREATE INDEX assignments_by_due ON assignments (due_on, id);

-- Checks a year that the bureau published for this operator; NULL: the bureau's general figure holds.
ALTER TABLE operators ADD COLUMN checks_cap BIGINT;

-- What a draw asks of an officer beside the account. No row: no certificate on record, may not lead.
CREATE TABLE officer_profiles (
    user_id              TEXT PRIMARY KEY REFERENCES users (id),
    certificate_until    TEXT,            -- ISO date, last day of the law-enforcement certificate (执法证)
    may_lead             BOOLEAN NOT NULL, -- may lead a check
    specialties          TEXT NOT NULL,   -- JSON list of kinds of premises
    version              BIGINT NOT NULL, -- grows by one with each change
    updated_at           BIGINT NOT NULL  -- ms UTC
);

-- Declared interests (回避): at a premises, or at all premises of an operator.
CREATE TABLE officer_interests (
    id          TEXT PRIMARY KEY,         -- UUIDv7
    user_id     TEXT NOT NULL REFERENCES users (id),
    premises_id TEXT REFERENCES premises (id), -- one of the two
    operator_id TEXT REFERENCES operators (id),
    reason      TEXT NOT NULL             -- as declared; not in the record of a draw
);
CREATE INDEX officer_interests_by_user ON officer_interests (user_id);

-- Days away.
CREATE TABLE officer_leaves (
    id       TEXT PRIMARY KEY,            -- UUIDv7
    user_id  TEXT NOT NULL REFERENCES users (id),
    from_on  TEXT NOT NULL,               -- ISO date
    until_on TEXT NOT NULL,               -- ISO date, included
    reason   TEXT                         -- not in the record of a draw
);
CREATE INDEX officer_leaves_by_user ON officer_leaves (user_id);

-- A month's plan of an authority.
CREATE TABLE inspection_plans (
    id              TEXT PRIMARY KEY,     -- UUIDv7
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    path            TEXT NOT NULL,        -- that authority's path
    month           TEXT NOT NULL,        -- 2026-12
    state           TEXT NOT NULL,        -- draft | approved | withdrawn
    rules           TEXT NOT NULL,        -- JSON: rates and caps as they were when it was proposed
    approval_number TEXT,
    approved_by     TEXT REFERENCES users (id),
    approved_at     BIGINT,               -- ms UTC
    reason          TEXT,                 -- why it was withdrawn
    created_by      TEXT NOT NULL REFERENCES users (id),
    version         BIGINT NOT NULL,      -- grows by one with each change
    created_at      BIGINT NOT NULL,      -- ms UTC
    updated_at      BIGINT NOT NULL       -- ms UTC
);
CREATE INDEX inspection_plans_by_month ON inspection_plans (month, id);
CREATE UNIQUE INDEX inspection_plans_once ON inspection_plans (organization_id, month) WHERE state <> 'withdrawn';

-- What a plan proposes, and what the planner made of it.
CREATE TABLE inspection_plan_items (
    id            TEXT PRIMARY KEY,       -- UUIDv7
    plan_id       TEXT NOT NULL REFERENCES inspection_plans (id),
    premises_id   TEXT NOT NULL REFERENCES premises (id),
    why           TEXT NOT NULL,          -- grade | all_items | by_hand
    facts         TEXT NOT NULL,          -- JSON: what the proposal stood on, and its warnings
    chosen        BOOLEAN NOT NULL,       -- becomes an assignment when the plan is approved
    template_id   TEXT REFERENCES checklist_templates (id),
    kind          TEXT NOT NULL,          -- routine | unannounced | ...
    due_on        TEXT NOT NULL,          -- ISO date
    officers      TEXT NOT NULL,          -- JSON list of user ids, the lead first; empty: to be drawn
    merged        TEXT NOT NULL,          -- JSON list of texts
    note          TEXT,                   -- reason where a warning is set aside
    assignment_id TEXT REFERENCES assignments (id), -- made of it
    UNIQUE (plan_id, premises_id)
);

-- A double random draw; its rows are never deleted.
CREATE TABLE draws (
    id              TEXT PRIMARY KEY,     -- UUIDv7
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    path            TEXT NOT NULL,        -- that authority's path
    title           TEXT NOT NULL,
    plan_id         TEXT REFERENCES inspection_plans (id),
    state           TEXT NOT NULL,        -- committed | drawn | failed | approved | withdrawn
    asked           TEXT NOT NULL,        -- JSON: what was asked for, to ask the same again
    template_id     TEXT NOT NULL REFERENCES checklist_templates (id),
    kind            TEXT NOT NULL,        -- of the checks: routine | unannounced | ...
    due_on          TEXT NOT NULL,        -- ISO date
    input           TEXT NOT NULL,        -- JSON, frozen
    input_sha256    TEXT NOT NULL,        -- hex, of the canonical input
    commitment      TEXT NOT NULL,        -- hex, SHA-256 of the server value
    server_sealed   TEXT NOT NULL,        -- the server value, sealed until the witness's is there
    witness_name    TEXT,
    record          TEXT,                 -- JSON: server and witness's value, seed, outcome
    outcome         TEXT,                 -- drawn | infeasible | undecided
    drawn_by        TEXT REFERENCES users (id),
    drawn_at        BIGINT,               -- ms UTC
    approval_number TEXT,
    approved_by     TEXT REFERENCES users (id),
    approved_at     BIGINT,               -- ms UTC
    redraw_of       TEXT REFERENCES draws (id), -- the draw before it
    redraw_reason   TEXT,                 -- why it was drawn again
    withdrawn_reason TEXT,                -- why it was taken back
    redraw_by       TEXT REFERENCES users (id), -- who approved drawing again
    created_by      TEXT NOT NULL REFERENCES users (id),
    version         BIGINT NOT NULL,      -- grows by one with each change
    created_at      BIGINT NOT NULL,      -- ms UTC: when the commitment was published
    updated_at      BIGINT NOT NULL       -- ms UTC
);
CREATE INDEX draws_by_time ON draws (created_at, id);
CREATE UNIQUE INDEX draws_once_again ON draws (redraw_of) WHERE redraw_of IS NOT NULL;
