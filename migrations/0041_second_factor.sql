-- A second factor at the sign-in (TOTP, RFC 6238), and what a login is known by in a list.

CREATE TABLE second_factors (
    user_id        TEXT PRIMARY KEY REFERENCES users (id),
    secret_sealed  TEXT,                  -- sealed with the key file in the data folder; NULL: not on yet
    pending_sealed TEXT,                  -- a secret whose first code has not come yet; sealed the same
    confirmed_at   BIGINT,                -- ms UTC; since when it is on; NULL: not on yet
    last_step      BIGINT NOT NULL        -- the newest step of 30 s since 1970 whose code was taken: no code is taken twice
);

-- For whoever lost the phone: each good once.
CREATE TABLE recovery_codes (
    user_id   TEXT NOT NULL REFERENCES users (id),
    code_hash TEXT NOT NULL,              -- HMAC-SHA-256 with a key from the key file, hex
    used_at   BIGINT,                     -- ms UTC
    PRIMARY KEY (user_id, code_hash)
);

-- Sign-ins whose password was right and whose code has not come yet.
CREATE TABLE login_challenges (
    token_hash TEXT PRIMARY KEY,          -- SHA-256, hex
    user_id    TEXT NOT NULL REFERENCES users (id),
    expires_at BIGINT NOT NULL            -- ms UTC
);
CREATE INDEX login_challenges_by_user ON login_challenges (user_id);

ALTER TABLE sessions ADD COLUMN client TEXT NOT NULL DEFAULT 'console'; -- console | phone
ALTER TABLE sessions ADD COLUMN agent TEXT; -- User-Agent of the browser that signed in
ALTER TABLE sessions ADD COLUMN ip TEXT; -- where it was last used from
ALTER TABLE sessions ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0; -- ms UTC, to the minute
UPDATE sessions SET last_used_at = COALESCE((SELECT MAX(r.issued_at) FROM refresh_tokens r WHERE r.session_id = sessions.id), created_at);
