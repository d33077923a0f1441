-- Why: a network trains detectors from its own decisions and switches between them. They stand in the database, so that every
--      process, standby and restored host has them. A signal says which parts of a sentence the detector found.
-- Locks: signals, ACCESS EXCLUSIVE, for a moment: a constant default is not written into the rows.
-- Kind: expand. The previous release goes on with the detector that it uses, and stores signals without cues.

ALTER TABLE signals ADD COLUMN cues text[] NOT NULL DEFAULT '{}';  -- moderation/detection/cues.py

CREATE TABLE detectors (
    version text COLLATE "C" PRIMARY KEY,     -- as in its header
    header text NOT NULL,                     -- JSON: thresholds and card, readable without the numbers
    file bytea NOT NULL,                      -- moderation/detection/artefact.py; with a checksum
    installed_at timestamptz NOT NULL
);
ALTER TABLE detectors ALTER COLUMN file SET STORAGE EXTERNAL;  -- it is compressed already

CREATE TABLE detector_choices (               -- rows are only added; the newest one counts
    id bigint PRIMARY KEY,
    version text COLLATE "C",                 -- NULL: the detector that is part of the release
    why text COLLATE "C" NOT NULL,            -- moderation/detection/switching.py
    chosen_at timestamptz NOT NULL
);
