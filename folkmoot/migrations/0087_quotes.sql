-- Why: a post can quote another one, if the author of that one allows it. Each post says who may quote it; posts that are older than
--      this choice can be quoted by their authors only, until they choose otherwise.
-- Locks: ACCESS EXCLUSIVE on posts and post_counts for an instant (columns with a constant default); SHARE ROW EXCLUSIVE on posts and
--      accounts for an instant, for the foreign keys of an empty table; SHARE UPDATE EXCLUSIVE on counter_deltas, for its comment.
-- Kind: expand. The previous release quotes nothing and allows nobody to quote what it stores; its deletions leave quotes of nothing.

ALTER TABLE posts ADD COLUMN quote_policy smallint NOT NULL DEFAULT 2;   -- posts/model.py: QuotePolicy
ALTER TABLE post_counts ADD COLUMN quotes integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN counter_deltas.counter IS '1 account posts, 2 account followers, 3 account following, 11 post replies, 12 post boosts, 13 post favourites, 14 post quotes';

CREATE TABLE quotes (
    post_id bigint PRIMARY KEY REFERENCES posts ON DELETE CASCADE,       -- the post that quotes
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,    -- its author
    quoted_id bigint REFERENCES posts ON DELETE SET NULL,                -- NULL: deleted
    quoted_account_id bigint REFERENCES accounts ON DELETE SET NULL,     -- the author of the quoted post
    revoked_at timestamptz                                               -- by that author, or by a block between the two; for good
);
CREATE INDEX quotes_quoted ON quotes (quoted_id, post_id);
CREATE INDEX quotes_account ON quotes (account_id, quoted_account_id);
CREATE INDEX quotes_quoted_account ON quotes (quoted_account_id);

-- choose_confirmed_tables() with one more name. Nobody waits for a standby because of a quote, or of the deletion of a quoting post.
DO $$
BEGIN
    EXECUTE replace(pg_get_functiondef('choose_confirmed_tables()'::regprocedure), '''pulled_authors'',', '''pulled_authors'', ''quotes'',');
END
$$;
