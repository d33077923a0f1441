-- Why: members can export what is theirs, as an archive that a job writes.
-- Locks: none that matter, the object is new.
-- Kind: expand.

CREATE TABLE exports (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    state text COLLATE "C" NOT NULL,                          -- network/exports/model.py declares the steps
    asked_at timestamptz NOT NULL,
    ready_at timestamptz,
    expires_at timestamptz,                                   -- of the file
    sha256 bytea,                                             -- names the file in DATA/exports
    bytes bigint
);
CREATE INDEX exports_account ON exports (account_id, id DESC);
CREATE INDEX exports_expiry ON exports (expires_at) WHERE expires_at IS NOT NULL;
