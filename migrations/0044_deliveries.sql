-- Notices that leave the console: by which ways a person is told, and how each message went.

-- What carries them, for the whole bureau.
CREATE TABLE notice_channels (
    channel       TEXT PRIMARY KEY,       -- mail | sms | push
    settings      TEXT NOT NULL,          -- JSON, nothing secret
    secret_sealed TEXT,                   -- password, headers or private key; sealed with the key file in the data folder
    version       BIGINT NOT NULL,        -- grows by one with each change
    updated_at    BIGINT NOT NULL         -- ms UTC
);

-- How a person is told. Without a row: in the console and on the phone alone.
CREATE TABLE notice_ways (
    user_id         TEXT PRIMARY KEY REFERENCES users (id),
    preferences     TEXT NOT NULL,        -- JSON: which, how, when (server/src/domain/telling.rs)
    mail            TEXT,                 -- the address that a code proved
    pending_mail    TEXT,                 -- one that a code was sent to
    code_hash       TEXT,                 -- HMAC-SHA-256 of that code with a key from the key file, hex
    code_sent_at    BIGINT,               -- ms UTC
    code_tries      BIGINT NOT NULL,      -- wrong ones since it was sent
    version         BIGINT NOT NULL,      -- of the preferences; grows by one with each change
    updated_at      BIGINT NOT NULL       -- ms UTC
);

-- Browsers that wake for a person (Web Push), as long as the login that asked for it stands.
CREATE TABLE push_subscriptions (
    id          TEXT PRIMARY KEY,         -- UUIDv7
    user_id     TEXT NOT NULL REFERENCES users (id),
    session_id  TEXT NOT NULL REFERENCES sessions (id),
    endpoint    TEXT NOT NULL UNIQUE,     -- address at the browser's push service
    p256dh      TEXT NOT NULL,            -- the browser's public key, base64url
    auth_sealed TEXT NOT NULL,            -- its secret, sealed with the key file in the data folder
    created_at  BIGINT NOT NULL           -- ms UTC
);
CREATE INDEX push_subscriptions_by_user ON push_subscriptions (user_id);

-- One row a notice, way and address. Those that go together have one message.
CREATE TABLE deliveries (
    id         TEXT PRIMARY KEY,          -- UUIDv7
    notice_id  TEXT NOT NULL REFERENCES notices (id),
    user_id    TEXT NOT NULL REFERENCES users (id),
    channel    TEXT NOT NULL,             -- mail | sms | push
    address    TEXT NOT NULL,             -- mail address, telephone number, id of a push subscription
    gathered   BOOLEAN NOT NULL,          -- waits to go with others in one message
    message_id TEXT,                      -- what the receiver knows it by, the same at each try; NULL: not put together yet
    state      TEXT NOT NULL,             -- waiting | sent | failed | needless (read before it went)
    attempts   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL,           -- ms UTC, not before
    sent_at    BIGINT,                    -- ms UTC; the mail server, gateway or push service took it
    failed_at  BIGINT,                    -- ms UTC; given up
    proven_at  BIGINT,                    -- ms UTC; read by the person, or received by their browser
    last_error TEXT,
    created_at BIGINT NOT NULL,           -- ms UTC
    UNIQUE (notice_id, channel, address)
);
CREATE INDEX deliveries_waiting ON deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_by_message ON deliveries (message_id);
CREATE INDEX deliveries_by_time ON deliveries (created_at, id);
