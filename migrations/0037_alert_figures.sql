-- What became of an alert, beside it: figures are counted from these columns, which are written with the acts.

ALTER TABLE alerts ADD COLUMN acted_at BIGINT;            -- ms UTC, a person's first act
ALTER TABLE alerts ADD COLUMN acted_working_ms BIGINT;    -- of the time from being raised until then, that within office hours, ms
ALTER TABLE alerts ADD COLUMN verdict TEXT;               -- confirmed | false_alarm | duplicate | permitted | test | other; NULL: not decided
ALTER TABLE alerts ADD COLUMN decided_by TEXT REFERENCES users (id); -- NULL where the program decided
ALTER TABLE alerts ADD COLUMN decided_at BIGINT;          -- ms UTC
ALTER TABLE alerts ADD COLUMN dispatched_at BIGINT;       -- ms UTC, the first time
ALTER TABLE alerts ADD COLUMN rectified_at BIGINT;        -- ms UTC, the answer that stands
ALTER TABLE alerts ADD COLUMN rectified_late BOOLEAN;     -- whether that came after the deadline
ALTER TABLE alerts ADD COLUMN recurred_as TEXT REFERENCES alerts (id); -- the next of its kind at its premises, within 30 days of its closing
CREATE INDEX alerts_by_decider ON alerts (decided_by, raised_at) WHERE decided_by IS NOT NULL;
CREATE INDEX alerts_by_recurrence ON alerts (recurred_as) WHERE recurred_as IS NOT NULL;

-- What can be told from the history of those that are there.
UPDATE alerts SET acted_at = (SELECT MIN(h.at) FROM work_history h WHERE h.work_id = alerts.id AND h.actor_kind = 'user'),
    dispatched_at = (SELECT MIN(h.at) FROM work_history h WHERE h.work_id = alerts.id AND h.action = 'dispatch');
UPDATE alerts SET
    decided_at = (SELECT MAX(h.at) FROM work_history h WHERE h.work_id = alerts.id AND h.action IN ('confirm', 'dismiss')),
    decided_by = (SELECT u.id FROM work_history h JOIN users u ON u.id = h.actor_id
        WHERE h.work_id = alerts.id AND h.action IN ('confirm', 'dismiss') ORDER BY h.version DESC LIMIT 1),
    verdict = (SELECT CASE WHEN h.action = 'confirm' THEN 'confirmed'
            WHEN h.reason IN ('false_alarm', 'duplicate', 'permitted', 'test') THEN h.reason ELSE 'other' END
        FROM work_history h WHERE h.work_id = alerts.id AND h.action IN ('confirm', 'dismiss') ORDER BY h.version DESC LIMIT 1)
    WHERE id IN (SELECT w.id FROM work_items w WHERE w.kind = 'alert' AND w.state NOT IN ('raised', 'cleared'));
UPDATE alerts SET
    rectified_at = (SELECT MAX(h.at) FROM work_history h WHERE h.work_id = alerts.id AND h.action = 'rectify'),
    rectified_late = (SELECT MAX(h.at) FROM work_history h WHERE h.work_id = alerts.id AND h.action = 'rectify')
        > COALESCE((SELECT MAX(c.due_at) FROM work_clocks c WHERE c.work_id = alerts.id AND c.name = 'rectify'), 9223372036854775807)
    WHERE dispatched_at IS NOT NULL AND id IN (SELECT w.id FROM work_items w WHERE w.kind = 'alert' AND w.state IN ('rectified', 'closed'));
