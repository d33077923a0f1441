-- Why: the texts and hosts of earlier posts are remembered (0061) by a job in small steps. It begins after five minutes, when no
--      worker of the previous release runs any more.
-- Locks: none that block anybody; a row is added to the queue.
-- Kind: expand.

INSERT INTO jobs (name, payload, due_at)
SELECT 'rules.remember_earlier', convert_to('{}', 'UTF8'), now() + interval '5 minutes' WHERE EXISTS (SELECT FROM accounts);
