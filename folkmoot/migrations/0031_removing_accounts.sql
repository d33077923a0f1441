-- Why: removing an account finds what points to it by an index, in small batches. `follows` and `followers` are two sides of
--      the same rows, each found by the other's key; the foreign keys of their second column made the last step of a removal
--      read both tables completely.
-- Locks: ACCESS EXCLUSIVE on follows and followers, and SHARE on notifications, mutes, account_notes, conversations and posts, until
--        it ends: while each index is built, about a second for a million rows. No table is rewritten.
-- Kind: expand.

CREATE INDEX notifications_from ON notifications (from_id);
CREATE INDEX mutes_target ON mutes (target_id);
CREATE INDEX account_notes_target ON account_notes (target_id);
-- Replies whose parent was deleted: few, and new posts are never among them.
CREATE INDEX posts_parentless ON posts (reply_to_account_id) WHERE reply_to_id IS NULL AND reply_to_account_id IS NOT NULL;
CREATE INDEX conversations_participants ON conversations USING gin (participant_ids);

-- Last, so that pages wait for these locks only for a moment.
ALTER TABLE follows DROP CONSTRAINT follows_target_id_fkey;
ALTER TABLE followers DROP CONSTRAINT followers_follower_id_fkey;
