-- Why: each new post asks which followers of its author want to be told of it. They are few or none; without this index all followers
--      of the author, and the follow of each, were read for each post.
-- Locks: SHARE on follows while the index is built, about a second for a million rows. No table is rewritten.
-- Kind: expand.

CREATE INDEX follows_notifying ON follows (target_id) WHERE notifies;
