-- Why: lists of hashes recognise files, pictures, texts and addresses that are known, at publishing and afterwards. The hash of
--      uploaded bytes is stored, because lists of others name files as they were before our re-encoding.
-- Locks: media, ACCESS EXCLUSIVE, for a moment: a column without a default is not written into the rows.
-- Kind: expand. The previous release stores pictures without that hash, and matches nothing.

ALTER TABLE media ADD COLUMN uploaded_sha256 bytea;

CREATE TABLE hash_lists (
    name text COLLATE "C" PRIMARY KEY,
    effect text COLLATE "C" NOT NULL,         -- of an exact match: moderation/hash_lists/model.py
    about text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL
);

CREATE TABLE hash_entries (
    list text COLLATE "C" NOT NULL REFERENCES hash_lists ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,          -- a hash in hex, or an address
    clause text COLLATE "C" NOT NULL,         -- that it breaks
    note text NOT NULL DEFAULT '',
    chunks integer[],                         -- of the hash of a picture: sixteen parts, each with its place
    added_by_id bigint,                       -- a moderator; no foreign key: an entry outlives the account
    added_at timestamptz NOT NULL,
    PRIMARY KEY (kind, value, list)
);
CREATE INDEX hash_entries_list ON hash_entries (list, added_at DESC);
CREATE INDEX hash_entries_chunks ON hash_entries USING gin (chunks) WHERE chunks IS NOT NULL;

-- The perceptual hashes of stored pictures, computed once for each file.
CREATE TABLE picture_hashes (
    sha256 bytea PRIMARY KEY,                 -- of the preview
    value text COLLATE "C" NOT NULL,
    quality smallint NOT NULL
);
