-- Reduced copies that go before the files as taken, pictures made from them, and where a photo says that it was taken.

-- Of a derivative: the evidence that is the file as taken (inspection_evidence.id, in the same inspection). NULL of a file as taken.
ALTER TABLE inspection_evidence ADD COLUMN derived_from TEXT;
-- Of a derivative, how it was made, with commas: reduced | drawing | watermark | redaction.
ALTER TABLE inspection_evidence ADD COLUMN made_by TEXT;
-- needed: the inspection is not complete without it | to_come: complete with the reduced copy, this follows | withheld: the template says that it is not sent.
ALTER TABLE inspection_evidence ADD COLUMN standing TEXT NOT NULL DEFAULT 'needed';
-- Degrees WGS-84, as the file itself says (EXIF); NULL where it says nothing.
ALTER TABLE inspection_evidence ADD COLUMN gps_latitude DOUBLE PRECISION;
-- Degrees WGS-84, as gps_latitude.
ALTER TABLE inspection_evidence ADD COLUMN gps_longitude DOUBLE PRECISION;
CREATE INDEX inspection_evidence_by_origin ON inspection_evidence (derived_from) WHERE derived_from IS NOT NULL;

-- Photos as taken where there is one with places made unreadable: for the bureau, not for the canteen and the school.
INSERT INTO role_permissions (role, permission)
    SELECT role, 'inspections.originals' FROM role_permissions
    WHERE permission = 'inspections.read' AND role NOT IN ('food_safety_director', 'food_safety_officer', 'principal');
