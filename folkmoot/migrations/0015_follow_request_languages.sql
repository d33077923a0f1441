-- Why: a follow request keeps the languages that were asked for, so that the follow that comes of it has them.
-- Locks: follow_requests, ACCESS EXCLUSIVE, for a moment: a new column without a default changes no row.
-- Kind: expand.

ALTER TABLE follow_requests ADD COLUMN languages text[];
