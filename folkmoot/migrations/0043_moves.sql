-- Why: the first write of a host that was promoted by a move, kept as the record of that move.
-- Locks: none that matter, the table is new.
-- Kind: expand.

CREATE TABLE moves (
    id text COLLATE "C" PRIMARY KEY,
    epoch bigint NOT NULL UNIQUE,                             -- the one that the new host writes in
    old_host text COLLATE "C" NOT NULL,
    new_host text COLLATE "C" NOT NULL,
    position pg_lsn NOT NULL,                                 -- in the log of the old host, after everything that it wrote
    fenced_at timestamptz NOT NULL,
    promoted_at timestamptz NOT NULL DEFAULT now()
);
