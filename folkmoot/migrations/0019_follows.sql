-- Why: a home looks up the follow of each post's author. The primary key carries what is asked of it, so that the index alone
--      answers. Without that the planner took follows_newest where most readers follow few people, and read all follows of the
--      reader for each post.
-- Locks: SHARE on follows while the index is built (a second for a million rows), then ACCESS EXCLUSIVE to exchange the two. No
--      table is rewritten.
-- Kind: expand.

UPDATE follows SET languages = languages[1:100] WHERE cardinality(languages) > 100;  -- as many as a request may name: an index row has 2,700 bytes
CREATE UNIQUE INDEX follows_key ON follows (account_id, target_id) INCLUDE (is_pulled, shows_boosts, languages);
ALTER TABLE follows DROP CONSTRAINT follows_pkey, ADD CONSTRAINT follows_pkey PRIMARY KEY USING INDEX follows_key;
