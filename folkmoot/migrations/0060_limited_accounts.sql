-- Why: an account can be frozen and have a limited reach at the same time. `effect` holds the stronger one only, so the reach of a frozen
--      account was not limited.
-- Locks: ACCESS EXCLUSIVE on accounts until the few accounts that have both are updated, by their key; the constant default is not
--        written into the other rows.
-- Kind: expand. The previous release reads `effect`, as before.

ALTER TABLE accounts ADD COLUMN is_limited boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN accounts.is_limited IS 'the reach is limited, also if a stronger effect stands beside it';

UPDATE accounts SET is_limited = true, version = version + 1 WHERE effect > 1 AND id IN (
    SELECT subject_id FROM restrictions WHERE subject = 'account' AND kind = 'limit' AND lifted_at IS NULL);
