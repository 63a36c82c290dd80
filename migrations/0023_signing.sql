-- What an inspection on site still lacks, and drawings with nothing on them.

ALTER TABLE inspections ADD COLUMN to_complete TEXT; -- JSON list: what the law asks for on site and was not there when it was submitted (visit_opened | certificates | recusal | safety_reason | second_officer | officer_signature | premises_signature | witness | visit_closed); NULL until submitted, and from before it was counted
ALTER TABLE inspection_evidence ADD COLUMN blank BOOLEAN NOT NULL DEFAULT FALSE; -- the file is of one shade: nothing is drawn, so it is no signature
