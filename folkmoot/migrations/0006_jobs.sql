-- Why: a job queue of our own: jobs that are never lost, and parked when they cannot succeed (decision 0040).
-- Locks: timed_jobs for an instant, no table is rewritten; all other objects are new.
-- Kind: expand.

CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- operators see it, members never do
    name text COLLATE "C" NOT NULL,
    payload bytea NOT NULL,                             -- JSON
    queued_at timestamptz NOT NULL DEFAULT now(),
    set_at timestamptz NOT NULL DEFAULT now(),          -- when due_at was set: later than now means that the clock was set back
    due_at timestamptz NOT NULL DEFAULT now(),
    tries smallint NOT NULL DEFAULT 0,                  -- how often the job itself failed
    crashes smallint NOT NULL DEFAULT 0,                -- how often its worker ended while it ran
    worker integer,                                     -- who runs it: a worker holds the advisory lock (7021, worker) while it lives
    last_error text COLLATE "C" CHECK (length(last_error) <= 1000),
    parked_at timestamptz                               -- it gave up, and waits for an operator
) WITH (
    fillfactor = 70,                                    -- a claim writes the new row beside the old one, without touching an index
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX jobs_due ON jobs (due_at, id) WHERE parked_at IS NULL;
CREATE INDEX jobs_suspects ON jobs (crashes, due_at) WHERE crashes > 0 AND parked_at IS NULL;
CREATE INDEX jobs_parked ON jobs (parked_at) WHERE parked_at IS NOT NULL;
CREATE SEQUENCE job_workers AS integer CYCLE;

-- What went wrong with a timed job, until it succeeds again.
ALTER TABLE timed_jobs ADD COLUMN failures integer NOT NULL DEFAULT 0, ADD COLUMN last_error text COLLATE "C";
