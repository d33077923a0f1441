-- Why: a report says which of eight families its reason belongs to. The four categories of the client API are too coarse to show
--      what a network is asked about.
-- Locks: reports, ACCESS EXCLUSIVE, for a moment: a column without a default is not written into the rows.
-- Kind: expand. The previous release files reports without a family.

ALTER TABLE reports ADD COLUMN family text COLLATE "C";  -- moderation/clauses/model.py; NULL: none, or from before
