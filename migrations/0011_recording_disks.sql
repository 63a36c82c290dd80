-- Recordings on several disks, and what follows a loss.

ALTER TABLE segments ADD COLUMN disk TEXT; -- id of the disk it lies on (the mark in its root); NULL: the first folder's, from when there was one
ALTER TABLE segments ADD COLUMN damaged BOOLEAN NOT NULL DEFAULT FALSE; -- pictures in it follow a loss; its file says which
