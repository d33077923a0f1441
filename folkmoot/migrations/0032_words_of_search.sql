-- Why: words for search and keys of hashtags are made differently (decision 0050), so those of earlier posts and accounts are made
--   again, by jobs in small steps. They begin after five minutes, when no worker of the previous release runs any more.
-- Locks: none that block anybody; two rows are added to the queue.
-- Kind: expand.

INSERT INTO jobs (name, payload, due_at)
SELECT name, convert_to('{}', 'UTF8'), now() + interval '5 minutes' FROM unnest(ARRAY['posts.index_again', 'accounts.index_again']) AS name
WHERE EXISTS (SELECT FROM accounts);
