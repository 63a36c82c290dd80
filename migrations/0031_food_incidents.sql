-- Suspected food poisoning (疑似食物中毒): reported in one action; what must stop, what is sealed, what is held.

-- One report as it was made; its state is in work_items under the same id (kind incident). Recordings on hold are in
-- recording_holds under this kind and id; a retained sample of the premises is on hold while a report that is not released covers
-- the moment it was kept.
CREATE TABLE food_incidents (
    id             TEXT PRIMARY KEY REFERENCES work_items (id), -- made by whoever reports, on the phone or at the desk
    content        TEXT NOT NULL,        -- JSON as sent
    content_sha256 TEXT NOT NULL,        -- hex, canonical JSON
    reported_by    TEXT NOT NULL REFERENCES users (id),
    happened_at    BIGINT NOT NULL,      -- ms UTC, when it was reported as far as the device's clock can be believed
    received_at    BIGINT NOT NULL,      -- ms UTC
    people         BIGINT NOT NULL,      -- persons with symptoms, as known now
    in_hospital    BIGINT,               -- of them in hospital, as known now; NULL: not known
    held_from      BIGINT NOT NULL,      -- ms UTC, first instant whose recordings and samples are held
    held_until     BIGINT NOT NULL,      -- ms UTC, first instant after them
    cameras        BIGINT NOT NULL,      -- cameras whose recordings were put on hold
    trouble        TEXT,                 -- why recordings were not put on hold: too_many_holds; NULL where they were
    rules          TEXT NOT NULL,        -- version of the figures (limits, stretch of the hold) that held then
    complete_at    BIGINT,               -- ms UTC, every file that it names is here
    released_at    BIGINT,               -- ms UTC, let go with its end; NULL while everything stands
    released_by    TEXT REFERENCES users (id),
    release_reason TEXT
);
CREATE INDEX food_incidents_standing ON food_incidents (held_from) WHERE released_at IS NULL;

-- Food that was sealed or kept as evidence. Never changed; what is found later is added.
CREATE TABLE food_incident_goods (
    incident_id TEXT NOT NULL REFERENCES food_incidents (id),
    position    BIGINT NOT NULL,         -- on the list, from 0
    measure     TEXT NOT NULL,           -- seal (查封、扣押) | keep (先行登记保存)
    name        TEXT NOT NULL,
    quantity    TEXT NOT NULL,           -- with its unit, as written
    place       TEXT NOT NULL,           -- where it is kept
    seal_number TEXT,                    -- of the seal on it
    evidence    TEXT NOT NULL,           -- JSON list: evidence ids of the report
    added_by    TEXT NOT NULL REFERENCES users (id),
    added_at    BIGINT NOT NULL,         -- ms UTC
    PRIMARY KEY (incident_id, position)
);

INSERT INTO role_permissions (role, permission) VALUES
    ('head', 'incidents.read'),
    ('head', 'incidents.report'),
    ('head', 'incidents.release'),
    ('supervisor', 'incidents.read'),
    ('supervisor', 'incidents.report'),
    ('supervisor', 'incidents.release'),
    ('officer', 'incidents.read'),
    ('officer', 'incidents.report'),
    ('legal_reviewer', 'incidents.read');
