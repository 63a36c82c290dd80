-- Papers that phones draw on site and have signed, and what the server says it received.

ALTER TABLE inspections ADD COLUMN drawn_sha256 TEXT; -- hex, canonical JSON of the paper, drawn again here from what was sent; NULL where the phone drew none
ALTER TABLE inspections ADD COLUMN drawn_differs BOOLEAN NOT NULL DEFAULT FALSE; -- what somebody signed was not that paper
ALTER TABLE inspections ADD COLUMN drawn_number TEXT; -- the number printed on it; NULL where it has none
ALTER TABLE inspections ADD COLUMN receipt TEXT; -- JSON: manifest and signature as given to the phone; NULL until submitted, and from before receipts were given
CREATE INDEX inspections_by_drawn ON inspections (drawn_sha256) WHERE drawn_sha256 IS NOT NULL;

ALTER TABLE paper_numbers ADD COLUMN inspection_id TEXT REFERENCES inspections (id); -- whose paper a phone drew with it; NULL otherwise
CREATE INDEX paper_numbers_by_inspection ON paper_numbers (inspection_id) WHERE inspection_id IS NOT NULL;
