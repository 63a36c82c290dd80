-- Templates that a bureau designs: who answers them, which came with the product, and drafts of the next version.

ALTER TABLE checklist_templates ADD COLUMN audience TEXT NOT NULL DEFAULT 'officer'; -- officer | canteen: who answers it
ALTER TABLE checklist_templates ADD COLUMN shipped BOOLEAN NOT NULL DEFAULT FALSE;   -- came with the product; a bureau's own version is never replaced by one that did
UPDATE checklist_templates SET shipped = TRUE;

-- A version being written. It may be incomplete; publishing checks it and makes a row of checklist_templates of it.
CREATE TABLE template_drafts (
    id         TEXT PRIMARY KEY,       -- UUIDv7
    code       TEXT NOT NULL,          -- as in the file; may be empty while it is written
    name       TEXT NOT NULL,          -- JSON {"zh","en"}, as in the file
    file       TEXT NOT NULL,          -- JSON: the whole template as last saved
    based_on   BIGINT,                 -- version of the code it was begun from; NULL: a new code
    version    BIGINT NOT NULL,        -- of the draft, counts its saves
    created_by TEXT NOT NULL REFERENCES users (id),
    updated_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,        -- ms UTC
    updated_at BIGINT NOT NULL         -- ms UTC
);

INSERT INTO role_permissions (role, permission) VALUES
    ('administrator', 'templates.manage'),
    ('head', 'templates.manage'),
    ('supervisor', 'templates.manage');
