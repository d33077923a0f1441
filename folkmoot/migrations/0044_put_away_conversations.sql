-- Why: a conversation that a member has removed from the list can be found again. Until now its row was deleted.
-- Locks: conversations, ACCESS EXCLUSIVE, for a moment: a column with a constant default is not written into the rows.
-- Kind: expand. The previous release still deletes rows, and lists those that were put away.

ALTER TABLE conversations ADD COLUMN is_put_away boolean NOT NULL DEFAULT false;
