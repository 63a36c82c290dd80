-- Figures that are kept with the writes: what became of alerts by day and month, cameras and patrols by month.

ALTER TABLE alerts ADD COLUMN counted BIGINT;  -- what it counts as in alert_tallies, in bits (server/src/domain/figures.rs); NULL: not yet
CREATE INDEX alerts_uncounted ON alerts (id) WHERE counted IS NULL;

CREATE TABLE alert_tallies (
    span             TEXT NOT NULL,       -- day | month
    first_on         TEXT NOT NULL,       -- ISO date of its first day, Asia/Shanghai
    premises_id      TEXT NOT NULL,
    office_id        TEXT NOT NULL,       -- the office it belonged to when the alerts were raised
    kind             TEXT NOT NULL,       -- of alert
    class            BIGINT NOT NULL,     -- 1, 2, 3; 0 for device kinds
    raised           BIGINT NOT NULL,     -- alerts
    undecided        BIGINT NOT NULL,     -- nobody has decided yet
    cleared          BIGINT NOT NULL,     -- over by themselves before anybody acted
    confirmed        BIGINT NOT NULL,
    false_alarms     BIGINT NOT NULL,
    other_dismissals BIGINT NOT NULL,     -- duplicates, what is permitted, tests and other reasons
    dispatched       BIGINT NOT NULL,
    rectified        BIGINT NOT NULL,     -- of those dispatched, those whose answer stands
    on_time          BIGINT NOT NULL,     -- of those, within the deadline
    closed           BIGINT NOT NULL,
    recurred         BIGINT NOT NULL,     -- of those closed, back within 30 days
    -- A person's first act by how long it took (the edges are in server/src/domain/figures.rs), in all and within office hours.
    waited_0 BIGINT NOT NULL, waited_1 BIGINT NOT NULL, waited_2 BIGINT NOT NULL, waited_3 BIGINT NOT NULL,
    waited_4 BIGINT NOT NULL, waited_5 BIGINT NOT NULL, waited_6 BIGINT NOT NULL, waited_7 BIGINT NOT NULL,
    waited_8 BIGINT NOT NULL, waited_9 BIGINT NOT NULL, waited_10 BIGINT NOT NULL, waited_11 BIGINT NOT NULL,
    waited_12 BIGINT NOT NULL, waited_13 BIGINT NOT NULL, waited_14 BIGINT NOT NULL, waited_15 BIGINT NOT NULL,
    waited_16 BIGINT NOT NULL,
    working_0 BIGINT NOT NULL, working_1 BIGINT NOT NULL, working_2 BIGINT NOT NULL, working_3 BIGINT NOT NULL,
    working_4 BIGINT NOT NULL, working_5 BIGINT NOT NULL, working_6 BIGINT NOT NULL, working_7 BIGINT NOT NULL,
    working_8 BIGINT NOT NULL, working_9 BIGINT NOT NULL, working_10 BIGINT NOT NULL, working_11 BIGINT NOT NULL,
    working_12 BIGINT NOT NULL, working_13 BIGINT NOT NULL, working_14 BIGINT NOT NULL, working_15 BIGINT NOT NULL,
    working_16 BIGINT NOT NULL,
    PRIMARY KEY (span, first_on, premises_id, office_id, kind, class)
);

CREATE TABLE camera_months (
    first_on    TEXT NOT NULL,            -- ISO date of the month's first day
    camera_id   TEXT NOT NULL REFERENCES cameras (id),
    premises_id TEXT NOT NULL,            -- where it was then
    counted_ms  BIGINT NOT NULL,          -- sums of camera_days
    online_ms   BIGINT NOT NULL,
    healthy_ms  BIGINT NOT NULL,
    due_ms      BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    days        BIGINT NOT NULL,          -- days on which a picture came
    PRIMARY KEY (first_on, camera_id, premises_id)
);
INSERT INTO camera_months (first_on, camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, days)
    SELECT substr(day, 1, 7) || '-01', camera_id, premises_id, SUM(counted_ms), SUM(online_ms), SUM(healthy_ms), SUM(due_ms), SUM(recorded_ms),
        SUM(CASE WHEN online_ms > 0 OR recorded_ms > 0 THEN 1 ELSE 0 END)
    FROM camera_days GROUP BY substr(day, 1, 7), camera_id, premises_id;

CREATE TABLE patrol_months (
    first_on    TEXT NOT NULL,            -- ISO date of the month's first day
    premises_id TEXT NOT NULL,            -- where the cameras were then
    office_id   TEXT NOT NULL,            -- whose they were then
    planned     BIGINT NOT NULL,          -- cameras, each once a day
    looked      BIGINT NOT NULL,
    PRIMARY KEY (first_on, premises_id, office_id)
);
INSERT INTO patrol_months (first_on, premises_id, office_id, planned, looked)
    SELECT substr(day, 1, 7) || '-01', premises_id, office_id, COUNT(*), COUNT(result)
    FROM patrol_looks GROUP BY substr(day, 1, 7), premises_id, office_id;
