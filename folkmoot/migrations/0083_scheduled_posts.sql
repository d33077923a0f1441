-- Why: members write posts that are published later. A draft is kept whole, as it was checked, and so are its pictures: a reserved
--      picture is not an unused upload. A draft that could not be published stays, with the reason.
-- Locks: ACCESS EXCLUSIVE on media for an instant (a column without a default); SHARE ROW EXCLUSIVE on accounts for an instant, for
--      the foreign key of an empty table.
-- Kind: expand. The previous release publishes nothing later. It would clear the pictures of a draft after a day, but not sooner.

CREATE TABLE scheduled_posts (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    due_at timestamptz NOT NULL,
    draft jsonb NOT NULL,                                     -- PostDraft in network/posts/model.py
    idempotency_key text COLLATE "C",
    tries smallint NOT NULL DEFAULT 0,                        -- unexpected errors while it was published
    failure text COLLATE "C",                                 -- why it was not published: network/scheduled/model.py
    created_at timestamptz NOT NULL
);
CREATE INDEX scheduled_posts_account ON scheduled_posts (account_id, id);
CREATE INDEX scheduled_posts_due ON scheduled_posts (due_at, id) WHERE failure IS NULL;

ALTER TABLE media ADD COLUMN scheduled_id bigint;             -- of scheduled_posts: reserved for it
