-- Patrols (视频巡查): which cameras are looked at each day, drawn once a day by plan, and what was seen.

CREATE TABLE patrol_plans (
    node_id    TEXT PRIMARY KEY REFERENCES organizations (id), -- for the cameras below it, where no nearer node has a plan
    share      BIGINT NOT NULL,           -- percent of the cameras that are looked at a day, 1 to 100
    by_risk    BOOLEAN NOT NULL,          -- premises of a higher risk grade more often, of a lower one less
    updated_at BIGINT NOT NULL            -- ms UTC
);

CREATE TABLE patrol_looks (
    day         TEXT NOT NULL,            -- ISO date, Asia/Shanghai
    camera_id   TEXT NOT NULL REFERENCES cameras (id),
    premises_id TEXT NOT NULL,            -- where it was then
    office_id   TEXT NOT NULL,            -- whose it was then
    node_id     TEXT NOT NULL,            -- whose plan asked for it
    position    BIGINT NOT NULL,          -- in the day's order: cameras of a premises follow each other
    result      TEXT,                     -- fine | finding | no_picture; NULL: not looked at
    looked_at   BIGINT,                   -- ms UTC
    looked_by   TEXT REFERENCES users (id),
    alert_id    TEXT REFERENCES alerts (id), -- what a finding became
    PRIMARY KEY (day, camera_id)
);
CREATE INDEX patrol_looks_in_order ON patrol_looks (day, position, camera_id);

INSERT INTO role_permissions (role, permission) VALUES
    ('head', 'patrols.walk'),
    ('head', 'patrols.manage'),
    ('supervisor', 'patrols.walk'),
    ('supervisor', 'patrols.manage'),
    ('officer', 'patrols.walk'),
    ('grid_member', 'patrols.walk');
