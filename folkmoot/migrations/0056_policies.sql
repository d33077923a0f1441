-- Why: a network publishes its own policy. It stands in the database, so that every process, standby and restored host has it.
-- Locks: none; a new table.
-- Kind: expand. The previous release goes on with the shipped policy.

CREATE TABLE policies (
    version text COLLATE "C" PRIMARY KEY,     -- a date, or a date with .2 and so on
    body text NOT NULL,                       -- the clauses as JSON: what is read
    source text NOT NULL,                     -- the file as the operator wrote it: what is edited for the next version
    in_force_at timestamptz NOT NULL,
    published_at timestamptz NOT NULL
);
