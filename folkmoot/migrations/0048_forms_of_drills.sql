-- Why: a drill rehearses a dump or the continuous copy, and both must be rehearsed now and then. Until now the form was not recorded.
-- Locks: backup_runs, ACCESS EXCLUSIVE, for a moment: a column with a constant default is not written into the rows.
-- Kind: expand. The previous release records drills without a form.

ALTER TABLE backup_runs ADD COLUMN form text COLLATE "C" NOT NULL DEFAULT '';  -- 'dump' or 'continuous'
