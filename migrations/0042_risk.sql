-- How much there is against a premises, in points by a formula that the bureau edits (settings.name = 'risk'). It stands beside the
-- official risk grade (premises.risk_grade) and changes nothing of it.

-- A row a premises and day, kept for 400 days.
CREATE TABLE risk_scores (
    day             TEXT NOT NULL,        -- ISO date, Asia/Shanghai
    premises_id     TEXT NOT NULL REFERENCES premises (id),
    score           BIGINT NOT NULL,      -- tenths of a point
    band            TEXT NOT NULL,        -- low | medium | high | severe
    score_before    BIGINT NOT NULL,      -- tenths of a point: what the same formula gives for the day 30 days before
    entered_top     BOOLEAN NOT NULL,     -- severe, and 30 days before it was not
    rising          BOOLEAN NOT NULL,     -- proposed for a visit: risen by what the formula asks for, or entered the top band
    terms           TEXT NOT NULL,        -- JSON: each term that found something, with its weight and its points; empty after a month
    formula_version BIGINT NOT NULL,      -- version of the setting; 0: the one that ships
    computed_at     BIGINT NOT NULL,      -- ms UTC
    PRIMARY KEY (day, premises_id)
);
CREATE INDEX risk_scores_in_order ON risk_scores (day, score, premises_id);
CREATE INDEX risk_scores_by_premises ON risk_scores (premises_id, day);

-- Days of cameras are added up by premises.
CREATE INDEX camera_days_by_premises ON camera_days (premises_id, day);
