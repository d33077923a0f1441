-- Why: a small daily sample of posts is reviewed, half of it drawn where the detector is unsure, so that it learns what reports do
--      not show it. A reader, a large model elsewhere, can be asked about posts that the detector leaves open.
-- Locks: posts, SHARE ROW EXCLUSIVE, for a moment: the foreign keys.
-- Kind: expand. The previous release draws and shows no samples.

CREATE TABLE samples (
    post_id bigint PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
    edited_at timestamptz,                    -- the version of its text
    score real NOT NULL,                      -- of the detector, when it was drawn
    is_unsure boolean NOT NULL,               -- drawn because of its score; otherwise at random
    drawn_at timestamptz NOT NULL,
    answer text COLLATE "C",                  -- moderation/learning/model.py; NULL: nobody has looked yet
    reviewed_by_id bigint,                    -- a moderator; no foreign key: the answer outlives the account
    reviewed_at timestamptz
);
CREATE INDEX samples_waiting ON samples (drawn_at, post_id) WHERE answer IS NULL;

CREATE TABLE reader_requests (                -- kept for a day, also when they are answered: they count for the daily limit
    post_id bigint PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
    edited_at timestamptz,                    -- the version of its text
    score real NOT NULL,                      -- of the detector: the highest is asked about first
    noted_at timestamptz NOT NULL,
    asked_at timestamptz,                     -- last
    attempts smallint NOT NULL DEFAULT 0,     -- about this version
    asked_count integer NOT NULL DEFAULT 0,   -- about all versions: an author who edits does not get round the daily limit
    answered_at timestamptz
);
CREATE INDEX reader_requests_open ON reader_requests (score DESC, post_id) WHERE answered_at IS NULL;
