-- Why: the hashtags that a member shows on the profile.
-- Locks: accounts, SHARE ROW EXCLUSIVE, for a moment: the new table that refers to it is empty.
-- Kind: expand.

CREATE TABLE featured_hashtags (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL,                            -- folded, as in post_hashtags
    id bigint NOT NULL,
    name text NOT NULL,                                       -- as the member wrote it
    PRIMARY KEY (account_id, key)
);
