-- Why: a case that rests on the word of an unverified sender alone must not hide anything when its time is over.
-- Locks: ACCESS EXCLUSIVE on cases for an instant: a column with a constant default is not written into the rows.
-- Kind: expand. The previous release opens confirmed cases.

ALTER TABLE cases ADD COLUMN is_confirmed boolean NOT NULL DEFAULT true;  -- false: only an unverified notice speaks of it
