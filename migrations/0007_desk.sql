-- Settings may lie at a kind of premises too (settings.scope = 'kind', scope_id = its code).
-- Alerts that ask for inspections; days of cameras in numbers; what is expected of the disk.

-- The alert that asked for the inspection; NULL where none did.
ALTER TABLE assignments ADD COLUMN alert_id TEXT REFERENCES alerts (id);
CREATE INDEX assignments_by_alert ON assignments (alert_id) WHERE alert_id IS NOT NULL;
-- Sightings look for the alert they belong to.
CREATE INDEX alerts_by_kind ON alerts (camera_id, kind, raised_at);

-- When the engine first told anything of the camera, ms UTC: nothing is counted before.
ALTER TABLE cameras ADD COLUMN watched_since BIGINT;
UPDATE cameras SET watched_since = created_at;

-- A camera's day in numbers, computed from gaps and device alerts. All in ms.
CREATE TABLE camera_days (
    day         TEXT NOT NULL,            -- ISO date, Asia/Shanghai
    camera_id   TEXT NOT NULL REFERENCES cameras (id),
    premises_id TEXT NOT NULL,            -- where it was then
    counted_ms  BIGINT NOT NULL,          -- time that counts for the online rate
    online_ms   BIGINT NOT NULL,          -- of that, with pictures arriving
    healthy_ms  BIGINT NOT NULL,          -- of that, without a device alert
    due_ms      BIGINT NOT NULL,          -- time that should be recorded
    recorded_ms BIGINT NOT NULL,          -- of that, recorded
    computed_at BIGINT NOT NULL,          -- ms UTC
    stale       BOOLEAN NOT NULL,         -- to be counted again
    PRIMARY KEY (day, camera_id)
);
CREATE INDEX camera_days_by_camera ON camera_days (camera_id, day);
CREATE INDEX camera_days_stale ON camera_days (day) WHERE stale;

-- What was expected of the recordings' disk, a row a day.
CREATE TABLE disk_forecasts (
    day           TEXT PRIMARY KEY,       -- ISO date, Asia/Shanghai
    at            BIGINT NOT NULL,        -- ms UTC
    bytes_a_day   BIGINT NOT NULL,        -- what all cameras wrote in the last 24 hours
    free_bytes    BIGINT NOT NULL,
    total_bytes   BIGINT NOT NULL,
    reserve_bytes BIGINT NOT NULL,        -- what holds never use
    full_at       BIGINT,                 -- ms UTC, only the watermark is left; NULL: everything fits
    days_held     DOUBLE PRECISION NOT NULL, -- days that are kept in the end
    days_wanted   DOUBLE PRECISION NOT NULL, -- days that are asked for
    warned        BOOLEAN NOT NULL        -- people were told on that day
);
