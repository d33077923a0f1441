-- Why: members follow hashtags, and public posts with one are in their home. Members react with an emoji to the announcement of new
--      rules, as apps let them do.
-- Locks: SHARE ROW EXCLUSIVE on accounts and policies for an instant, for the foreign keys of empty tables.
-- Kind: expand. The previous release shows homes without these posts, and announcements without reactions.

CREATE TABLE followed_hashtags (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL,                            -- folded, as in post_hashtags
    id bigint NOT NULL,                                       -- the order of following
    name text NOT NULL CHECK (length(name) <= 1000),          -- as the member wrote it
    PRIMARY KEY (account_id, key)
);
CREATE INDEX followed_hashtags_order ON followed_hashtags (account_id, id);

CREATE TABLE policy_reactions (
    version text COLLATE "C" NOT NULL REFERENCES policies ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    emoji text COLLATE "C" NOT NULL CHECK (length(emoji) <= 16),
    reacted_at timestamptz NOT NULL,
    PRIMARY KEY (version, account_id, emoji)
);
CREATE INDEX policy_reactions_account ON policy_reactions (account_id);
