-- Why: one row per counter, so that a clock that jumps neither locks anybody out nor leaves rows for ever.
-- Locks: none that matter, the object is new.
-- Kind: expand. The previous release goes on counting in rate_buckets, which is dropped one release later.

-- Limits that hold for all processes and machines (base/limits.py, is_exact): worth nothing after a crash.
CREATE UNLOGGED TABLE rate_windows (
    key text COLLATE "C" PRIMARY KEY,
    ends_at timestamptz NOT NULL,
    count integer NOT NULL
);
CREATE INDEX rate_windows_end ON rate_windows (ends_at);
