-- Why: the planner takes an account that it does not know for the mean. Where one account has written nearly everything (a newspaper), that
--      is the whole table, and each home of a reader read all posts. With a hundred rows each, it uses the indexes of accounts.
-- Locks: SHARE UPDATE EXCLUSIVE on posts, statements, cases, reports, appeals and verdicts while a sample of each is read, some seconds
--      for millions of posts; reading and writing go on.
-- Kind: expand.

ALTER TABLE posts ALTER COLUMN account_id SET (n_distinct = -0.01);
ALTER TABLE statements ALTER COLUMN account_id SET (n_distinct = -0.01);
ALTER TABLE cases ALTER COLUMN account_id SET (n_distinct = -0.01);
ALTER TABLE reports ALTER COLUMN reporter_id SET (n_distinct = -0.01);
ALTER TABLE appeals ALTER COLUMN appellant_id SET (n_distinct = -0.01);
ALTER TABLE verdicts ALTER COLUMN moderator_id SET (n_distinct = -0.01);
ANALYZE posts, statements, cases, reports, appeals, verdicts;
