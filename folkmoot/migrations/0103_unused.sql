-- Why: nothing has used them since: proposals replaced the table (0065), and other orders the indexes (0071). Every case that is opened or
--      decided still wrote the indexes.
-- Locks: ACCESS EXCLUSIVE on verdict_batches, and on verdicts and cases, to which it refers and whose indexes go, for an instant.
-- Kind: contract since 0071.

DROP TABLE verdict_batches;
DROP INDEX cases_lanes;
DROP INDEX cases_due;
