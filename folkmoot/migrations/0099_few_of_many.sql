-- Why: what few rows of a large table have is found by an index: pinned posts and posts with pictures of a profile, accounts that staff
--      list by standing, role, address or invitation, and which of very many accounts with a name have the most followers.
--      Without one, all rows of a table, or of an account, were read for a page.
-- Locks: SHARE on marks, posts, accounts, account_counts, logins and sessions until it ends: while the indexes are built, about a
--        second for a million rows.
-- Kind: expand.

CREATE INDEX marks_pinned ON marks (account_id, post_id DESC) WHERE bits & 16 > 0;
CREATE INDEX posts_pictures ON posts (account_id, id DESC) WHERE media_count > 0;

CREATE INDEX accounts_restricted ON accounts (id) WHERE coalesce(kept_effect, effect) > 0 OR is_limited;
CREATE INDEX account_counts_followers ON account_counts (followers DESC, account_id);
CREATE INDEX accounts_elsewhere ON accounts (id) WHERE domain <> '';
CREATE INDEX logins_pending ON logins (account_id) WHERE approved_at IS NULL;
CREATE INDEX logins_disabled ON logins (account_id) WHERE disabled_at IS NOT NULL;
CREATE INDEX logins_staff ON logins (account_id) WHERE role <> 'member';
CREATE INDEX logins_invitation ON logins (invitation_id) WHERE invitation_id IS NOT NULL;
CREATE INDEX sessions_address ON sessions (address) WHERE address <> '';
