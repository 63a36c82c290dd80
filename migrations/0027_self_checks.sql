-- The canteen's own papers (自查): what it reports of itself every day, week and month, and the samples it keeps.

-- One paper as a phone of the canteen sent it. Never changed; what was wrong in one is put right by another of the same day.
CREATE TABLE self_checks (
    id             TEXT PRIMARY KEY,     -- made on the phone
    premises_id    TEXT NOT NULL REFERENCES premises (id),
    office_id      TEXT NOT NULL,        -- the office it belonged to then
    template_id    TEXT NOT NULL REFERENCES checklist_templates (id), -- the version that was answered
    code           TEXT NOT NULL,        -- of the template: self_daily_control | ...
    day            TEXT NOT NULL,        -- ISO date, Asia/Shanghai: the day it speaks of; a week's Monday, a month's first day
    slot           TEXT NOT NULL,        -- the meal it speaks of: breakfast | lunch | dinner | snack; empty where there is none
    made_by        TEXT NOT NULL REFERENCES users (id), -- whose phone sent it
    content        TEXT NOT NULL,        -- JSON as sent
    content_sha256 TEXT NOT NULL,        -- hex, canonical JSON
    problems       BIGINT NOT NULL,      -- answers that say that something is wrong
    answered_at    BIGINT NOT NULL,      -- ms UTC, the device's clock as far as it can be believed
    received_at    BIGINT NOT NULL,      -- ms UTC
    complete_at    BIGINT                -- ms UTC, all evidence here
);
CREATE INDEX self_checks_by_premises ON self_checks (premises_id, day);
CREATE INDEX self_checks_by_day ON self_checks (day, id);

-- Who was reminded of what: once each.
CREATE TABLE self_check_reminders (
    premises_id TEXT NOT NULL REFERENCES premises (id),
    code        TEXT NOT NULL,           -- of the template
    day         TEXT NOT NULL,           -- as in self_checks
    slot        TEXT NOT NULL,           -- as in self_checks
    kind        TEXT NOT NULL,           -- soon | late
    told_at     BIGINT NOT NULL,         -- ms UTC
    PRIMARY KEY (premises_id, code, day, slot, kind)
);

-- A dish that is kept cold, one row a box; made of the paper that reports it.
CREATE TABLE retained_samples (
    self_check_id TEXT NOT NULL REFERENCES self_checks (id),
    position      BIGINT NOT NULL,       -- on the paper, from 0; with the paper's id it is what the label's code says
    premises_id   TEXT NOT NULL REFERENCES premises (id),
    dish          TEXT NOT NULL,         -- as written
    meal          TEXT NOT NULL,         -- breakfast | lunch | dinner | snack
    kept_by       TEXT NOT NULL,         -- name, as written
    weight_g      DOUBLE PRECISION,      -- of the smallest box of the meal
    kept_at       BIGINT NOT NULL,       -- ms UTC, the device's clock as far as it can be believed
    due_at        BIGINT NOT NULL,       -- ms UTC: kept at least until then
    told_at       BIGINT,                -- ms UTC, when the canteen was told that it is over
    discarded_at  BIGINT,                -- ms UTC, the device's clock
    discarded_by  TEXT REFERENCES users (id),
    discard_noted_at BIGINT,             -- ms UTC, received
    PRIMARY KEY (self_check_id, position)
);
CREATE INDEX retained_samples_by_premises ON retained_samples (premises_id, kept_at);
CREATE INDEX retained_samples_waiting ON retained_samples (due_at) WHERE told_at IS NULL AND discarded_at IS NULL;

-- What a part of an inspection said before a higher revision took its place: two phones of one account may both have written it.
CREATE TABLE inspection_part_versions (
    part_id        TEXT NOT NULL REFERENCES inspection_parts (id),
    revision       BIGINT NOT NULL,      -- that was replaced
    content        TEXT NOT NULL,        -- JSON as sent
    content_sha256 TEXT NOT NULL,        -- hex, canonical JSON
    received_at    BIGINT NOT NULL,      -- ms UTC
    replaced_at    BIGINT NOT NULL,      -- ms UTC
    PRIMARY KEY (part_id, revision)
);

INSERT INTO role_permissions (role, permission) VALUES
    ('food_safety_director', 'self_checks.read'),
    ('food_safety_director', 'self_checks.answer'),
    ('food_safety_officer', 'self_checks.read'),
    ('food_safety_officer', 'self_checks.answer'),
    ('principal', 'self_checks.read'),
    ('principal', 'self_checks.sign'),
    ('head', 'self_checks.read'),
    ('supervisor', 'self_checks.read'),
    ('officer', 'self_checks.read'),
    ('legal_reviewer', 'self_checks.read');
