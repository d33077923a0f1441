-- Why: a ring may show only in the cases of authors of one camp, or of neither. Operators are shown those cases (decision 0129).
-- Locks: ACCESS EXCLUSIVE on jury_rings for a moment; the table has a handful of rows.
-- Kind: expand.

ALTER TABLE jury_rings ADD COLUMN about text NOT NULL DEFAULT 'all'; -- all, one, two (camps), neither
