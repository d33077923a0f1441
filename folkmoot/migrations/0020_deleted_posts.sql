-- Why: a deleted post can be reported for a day by those to whom it was shown, and so can a post whose author has blocked them
--      since: who was shown a post depends on ended follows and on when an edit added a mention. Pictures that somebody has to
--      decide about are held.
-- Locks: ACCESS EXCLUSIVE on mentions and media, and SHARE ROW EXCLUSIVE on accounts, for an instant; no table is rewritten.
-- Kind: expand. The previous release deletes posts and pictures without a copy while both run.

ALTER TABLE mentions ADD COLUMN added_at timestamptz;         -- by an edit; NULL: mentioned from the first version on
ALTER TABLE media ADD COLUMN held_until timestamptz;          -- removed from view, its file stays until then

CREATE TABLE ended_follows (                                  -- the last end of a follow; forgotten after some time
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    target_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    ended_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, target_id)
);
CREATE INDEX ended_follows_target ON ended_follows (target_id);

CREATE TABLE deleted_posts (                                  -- forgotten after a day
    post_id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    visibility smallint NOT NULL,
    reply_to_id bigint,
    shown_to bigint[] NOT NULL,                               -- mentioned accounts that could see it
    participant_ids bigint[] NOT NULL,                        -- who may not decide about it: network/posts/queries/deleted.py
    versions jsonb NOT NULL,                                  -- network/posts/versions.py, oldest first
    created_at timestamptz NOT NULL,
    edited_at timestamptz,
    deleted_at timestamptz NOT NULL
);
CREATE INDEX deleted_posts_account ON deleted_posts (account_id);
COMMENT ON COLUMN deleted_posts.visibility IS '0 public, 1 unlisted, 2 followers, 3 direct';
