-- Photos that came whole are opened after they were accepted, at a low priority.

ALTER TABLE files ADD COLUMN opened_at BIGINT; -- ms UTC when its picture was decoded whole; NULL: it waits for that
ALTER TABLE files ADD COLUMN damage TEXT;      -- why it cannot be shown; the file is kept as it was taken

UPDATE files SET opened_at = created_at;
CREATE INDEX files_unopened ON files (id) WHERE opened_at IS NULL;
CREATE INDEX files_damaged ON files (id) WHERE damage IS NOT NULL;
