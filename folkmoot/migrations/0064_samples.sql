-- Why: a small daily sample of posts is reviewed, half of it drawn where the detector is unsure, so that it learns what reports do
--      not show it.
-- Locks: posts, SHARE ROW EXCLUSIVE, for a moment: the foreign key.
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
