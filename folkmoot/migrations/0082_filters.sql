-- Why: members filter posts by words, or single posts, where they do not want to read them. `filter_sets.version` changes with every
--      change of a member's filters: whoever looks up a viewer reads it, so all processes know when what they cache is old.
-- Locks: SHARE ROW EXCLUSIVE on accounts for an instant, for the foreign keys of empty tables.
-- Kind: expand. The previous release filters nothing.

CREATE TABLE filter_sets (                                    -- of members who have had a filter
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    version bigint NOT NULL                                   -- grows with time, and never repeats
);

CREATE TABLE filters (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    title text NOT NULL CHECK (length(title) <= 4000),
    contexts text[] COLLATE "C" NOT NULL CHECK (cardinality(contexts) > 0),   -- network/filters/model.py
    action text COLLATE "C" NOT NULL CHECK (action IN ('warn', 'hide', 'blur')),
    expires_at timestamptz                                    -- NULL: never. An expired filter can be renewed for a month
);
CREATE INDEX filters_account ON filters (account_id, id);
CREATE INDEX filters_expired ON filters (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE filter_keywords (
    id bigint PRIMARY KEY,
    filter_id bigint NOT NULL REFERENCES filters ON DELETE CASCADE,
    keyword text NOT NULL CHECK (length(keyword) <= 4000),
    is_whole_word boolean NOT NULL
);
CREATE INDEX filter_keywords_filter ON filter_keywords (filter_id, id);

CREATE TABLE filter_posts (                                   -- without a foreign key: deleting a post must not wait for filters
    id bigint PRIMARY KEY,
    filter_id bigint NOT NULL REFERENCES filters ON DELETE CASCADE,
    post_id bigint NOT NULL,
    UNIQUE (filter_id, post_id)
);
