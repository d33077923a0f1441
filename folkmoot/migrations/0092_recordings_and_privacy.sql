-- Why: members publish video and audio. An upload waits as a recording until it is encoded, because that can take minutes; then it is a
--      row of media with the same id, and the file that was uploaded is gone. Operators publish their own privacy policy.
-- Locks: ACCESS EXCLUSIVE on media for an instant (columns without a default); SHARE ROW EXCLUSIVE on accounts and media_files for an
--      instant, for the foreign keys of an empty table.
-- Kind: expand. The previous release shows a video as a picture that does not load, and encodes nothing that waits.

CREATE TABLE recordings (                                     -- uploads of video and audio that are not encoded yet
    id bigint PRIMARY KEY,                                    -- becomes that of the row in media
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    source_sha256 bytea NOT NULL REFERENCES media_files,
    poster_sha256 bytea REFERENCES media_files,               -- a picture that the member chose; NULL: one of the recording
    poster_width integer NOT NULL DEFAULT 0,
    poster_height integer NOT NULL DEFAULT 0,
    blurhash text COLLATE "C" NOT NULL DEFAULT '',            -- of the poster
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 18000),
    focus_x real NOT NULL DEFAULT 0 CHECK (focus_x BETWEEN -1 AND 1),
    focus_y real NOT NULL DEFAULT 0 CHECK (focus_y BETWEEN -1 AND 1),
    is_audio boolean NOT NULL,                                -- as far as its first bytes tell
    tries smallint NOT NULL DEFAULT 0,
    taken_until timestamptz,                                  -- a worker encodes it, and moves this on while it does
    failure text COLLATE "C",                                 -- why it cannot be used: network/recordings/model.py
    created_at timestamptz NOT NULL
);
CREATE INDEX recordings_account ON recordings (account_id);
CREATE INDEX recordings_created ON recordings (created_at);

ALTER TABLE media ADD COLUMN seconds real,                    -- how long a video or a sound is; NULL for pictures
    ADD COLUMN frame_rate text COLLATE "C",                   -- of a video, as a fraction
    ADD COLUMN bitrate integer;                               -- bits per second

CREATE TABLE privacy_policies (                               -- the newest of a language is shown; none: the text of the release
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    language text COLLATE "C" NOT NULL,
    text text NOT NULL CHECK (length(text) <= 100000),
    published_at timestamptz NOT NULL
);

-- choose_confirmed_tables() with one more name. Nobody waits for a standby because of an upload.
DO $$
BEGIN
    EXECUTE replace(pg_get_functiondef('choose_confirmed_tables()'::regprocedure), '''reader_requests'',', '''reader_requests'', ''recordings'',');
END
$$;
