-- Why: a statement of reasons keeps the facts that the European transparency database and reports about a period ask for: they would be
--      lost with the evidence, or with an account. An authority has a Member State. A notice keeps its mail as it came.
-- Locks: statements, contacts and notices, ACCESS EXCLUSIVE, for a moment: columns with constant defaults are not written into the rows.
-- Kind: expand. The previous release writes statements without these facts; they are then derived as far as the evidence is still there.

ALTER TABLE statements ADD COLUMN notifier text COLLATE "C" NOT NULL DEFAULT '';  -- kind of the registered contact whose notice led to it
ALTER TABLE statements ADD COLUMN content_types text[] NOT NULL DEFAULT '{}';     -- text, image; empty in rows of the previous release
ALTER TABLE statements ADD COLUMN content_language text COLLATE "C";              -- as the author chose it
ALTER TABLE contacts ADD COLUMN country text COLLATE "C" NOT NULL DEFAULT '';     -- of an authority: AT to SE; empty if unknown
ALTER TABLE notices ADD COLUMN raw bytea;                                         -- the beginning of the mail, as it came
ALTER TABLE notices ADD COLUMN signed_by text[] NOT NULL DEFAULT '{}';            -- domains whose DKIM signature our mail server found valid
