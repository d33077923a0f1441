-- Why: when backups, drills and restores ran and how they ended, for `moot status`, `moot doctor` and `/metrics`.
-- Locks: none that matter, the object is new.
-- Kind: expand.

CREATE TABLE backup_runs (
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('backup', 'drill', 'restore')),
    started_at timestamptz NOT NULL,
    seconds real NOT NULL,
    is_good boolean NOT NULL,
    said text NOT NULL DEFAULT '' CHECK (length(said) <= 2000),  -- why it is not good
    repository text NOT NULL,
    snapshot text COLLATE "C" NOT NULL DEFAULT '',
    bytes bigint NOT NULL DEFAULT 0,
    posts bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, started_at)
);
