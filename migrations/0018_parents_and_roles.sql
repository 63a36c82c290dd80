-- Roles as the field has them. Like all roles these rows are data: a bureau changes them afterwards.

-- Parents see the live picture of their school in hours that are set for it, and of cameras that are chosen for it
-- (setting `parent_viewing` of the premises): a permission of its own, so that it is never taken for `video.live`.
DELETE FROM role_permissions WHERE role = 'parent' AND permission = 'video.live';
INSERT INTO role_permissions (role, permission) VALUES
    ('parent', 'video.parent'),
-- A principal reads all of the own premises: its recordings and the templates of its checks too.
    ('principal', 'video.recorded'),
    ('principal', 'templates.read'),
-- A grid member patrols: looks at the live pictures of the own grid.
    ('grid_member', 'cameras.read'),
    ('grid_member', 'video.live');

-- Clips, stills and evidence of alerts are a permission of their own: a wall shows that there is an alert, and hangs where
-- anybody passes.
INSERT INTO role_permissions (role, permission)
    SELECT role, 'alerts.watch' FROM role_permissions WHERE permission = 'alerts.read' AND role <> 'wall';

-- A picture of `POST /files` waits to be named by an act of who brought it. What nobody names is limited and swept away.
ALTER TABLE files ADD COLUMN waits_since BIGINT; -- ms UTC; NULL: an act names it, or it never had to wait
CREATE INDEX files_that_wait ON files (user_id) WHERE waits_since IS NOT NULL;
