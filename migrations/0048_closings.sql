-- Closed months: the seven figures as they were when somebody closed the month, down to the premises, cameras and alerts that were counted.

CREATE TABLE closings (
    id        TEXT PRIMARY KEY,           -- UUIDv7
    node_id   TEXT NOT NULL REFERENCES organizations (id), -- whose month: a district, or what lies above or below it
    node_path TEXT NOT NULL,              -- that node's path
    first_on  TEXT NOT NULL,              -- ISO date of the month's first day
    revision  BIGINT NOT NULL,            -- 1: the closing; further ones take late facts in and stand beside it
    formula   BIGINT NOT NULL,            -- version of the formulas (server/src/domain/rates.rs)
    reason    TEXT,                       -- why there is a further revision
    closed_by TEXT NOT NULL REFERENCES users (id),
    closed_at BIGINT NOT NULL,            -- ms UTC
    UNIQUE (node_id, first_on, revision)
);
CREATE INDEX closings_by_time ON closings (closed_at, id);

-- What a closing counted: each figure is the sum of its rows.
CREATE TABLE closed_facts (
    closing_id  TEXT NOT NULL REFERENCES closings (id),
    figure      TEXT NOT NULL,            -- coverage | connection | online | completeness | patrol | rectified | precision
    thing_id    TEXT NOT NULL,            -- a premises (coverage), a camera (connection to patrol), an alert
    premises_id TEXT NOT NULL,
    office_id   TEXT NOT NULL,
    kind        TEXT NOT NULL,            -- of an alert; empty otherwise
    part        BIGINT NOT NULL,          -- 0 or 1, looks, ms
    whole       BIGINT NOT NULL,
    PRIMARY KEY (closing_id, figure, thing_id, premises_id, office_id)
);

-- What they were called then, and what they were grouped by.
CREATE TABLE closed_names (
    closing_id TEXT NOT NULL REFERENCES closings (id),
    thing_id   TEXT NOT NULL,             -- a premises, a camera, an office or a district
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,             -- of a premises; empty otherwise
    grid       TEXT NOT NULL,             -- of a premises; empty: none
    above_id   TEXT NOT NULL,             -- of an office: its district; empty otherwise
    PRIMARY KEY (closing_id, thing_id)
);

INSERT INTO role_permissions (role, permission) VALUES
    ('head', 'figures.close'),
    ('supervisor', 'figures.close');
