-- Why: operators can replace the questions of the training for jurors.
-- Locks: none.
-- Kind: expand. The previous release does not know the table.

CREATE TABLE gold_files (
    published_at timestamptz PRIMARY KEY,                     -- the newest is in use
    source text NOT NULL CHECK (length(source) <= 1000000)
);
