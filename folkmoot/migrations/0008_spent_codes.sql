-- Why: a token remembers the code that it came from, so that a code used twice ends it (RFC 6749 4.1.2).
-- Locks: ACCESS EXCLUSIVE on tokens while it is read once for the index, which stays empty; no table is rewritten.
-- Kind: expand.

ALTER TABLE tokens ADD COLUMN code_hash bytea;                -- NULL: given without a code, or before this migration
CREATE UNIQUE INDEX tokens_code ON tokens (code_hash) WHERE code_hash IS NOT NULL;
