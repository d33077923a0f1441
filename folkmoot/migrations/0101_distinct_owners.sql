-- Why: the planner assumes for an account that it does not know the mean of all accounts. Where one account has written nearly
--      everything (a newspaper and its readers, or an imported archive), that is the whole table, and the newest posts of anybody else
--      were looked for by reading all posts backwards: half a second for each home of a reader among 200,000 posts. With a hundred rows
--      for each account, whatever the data, the indexes that begin with the account are always the cheaper way.
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
