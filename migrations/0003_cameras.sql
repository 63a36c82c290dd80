-- Cameras, what was recorded of them and what was not.

CREATE TABLE cameras (
    id                    TEXT PRIMARY KEY, -- UUIDv7
    premises_id           TEXT NOT NULL REFERENCES premises (id),
    name                  TEXT NOT NULL,
    name_key              TEXT NOT NULL,  -- pinyin and initials
    source_url            TEXT NOT NULL,  -- never with user information
    username              TEXT,
    password_sealed       TEXT,           -- sealed with the key file; never returned, never logged
    transport             TEXT NOT NULL,  -- auto | tcp | udp
    zone                  TEXT,           -- storing | cooking | plating | dedicated_room | retained_samples | dish_washing | other
    enabled               BOOLEAN NOT NULL,
    audio                 BOOLEAN NOT NULL,
    state                 TEXT NOT NULL,  -- disabled | connecting | recording | degraded | offline
    state_reason          TEXT NOT NULL,
    state_detail          TEXT NOT NULL,  -- in plain words
    state_since           BIGINT NOT NULL, -- ms UTC
    codec                 TEXT,           -- h264 | h265
    width                 BIGINT,         -- pixels
    height                BIGINT,         -- pixels
    fps                   DOUBLE PRECISION, -- frames a second
    key_frame_interval_ms BIGINT,
    bit_rate              BIGINT,         -- bits a second
    last_picture_at       BIGINT,         -- ms UTC
    version               BIGINT NOT NULL, -- of what people edit; state does not touch it
    created_at            BIGINT NOT NULL, -- ms UTC
    updated_at            BIGINT NOT NULL -- ms UTC
);
CREATE INDEX cameras_by_premises ON cameras (premises_id);

-- One row a recorded file of about ten minutes; the fragments are indexed in the file itself.
CREATE TABLE segments (
    id        TEXT PRIMARY KEY,           -- UUIDv7
    camera_id TEXT NOT NULL REFERENCES cameras (id),
    path      TEXT NOT NULL,              -- below the recordings folder
    start_ms  BIGINT NOT NULL,            -- wall time of the first picture, ms UTC
    end_ms    BIGINT NOT NULL,            -- wall time of the end of the last fragment, ms UTC
    bytes     BIGINT NOT NULL,
    fragments BIGINT NOT NULL,
    codec     TEXT NOT NULL,
    epoch     BIGINT NOT NULL,            -- grows with each step of the server's clock
    closed    BOOLEAN NOT NULL
);
CREATE INDEX segments_by_time ON segments (camera_id, end_ms, start_ms);

-- A time without recording, and why. end_ms is NULL while it lasts.
CREATE TABLE camera_gaps (
    id        TEXT PRIMARY KEY,           -- UUIDv7
    camera_id TEXT NOT NULL REFERENCES cameras (id),
    start_ms  BIGINT NOT NULL,            -- ms UTC
    end_ms    BIGINT,                     -- ms UTC
    reason    TEXT NOT NULL               -- offline | refused | unauthorized | not_found | stalled | disk | restart | disabled | bad_stream
);
CREATE INDEX camera_gaps_by_time ON camera_gaps (camera_id, start_ms);
CREATE UNIQUE INDEX camera_gaps_open ON camera_gaps (camera_id) WHERE end_ms IS NULL;
