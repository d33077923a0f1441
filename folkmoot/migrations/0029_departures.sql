-- Why: members can delete their account: it is hidden for half an hour, then removed in batches; the name stays taken. More
--      kinds of codes are sent by mail. The operators are told once of each sign-up that waits for them.
-- Locks: ACCESS EXCLUSIVE on accounts, logins and one_time_codes until it ends; no table is rewritten. one_time_codes, which is
--        small, is read once.
-- Kind: expand. The previous release shows an account that leaves as suspended.

ALTER TABLE accounts ADD COLUMN kept_effect smallint;         -- set: the account leaves; `effect` hides it, and this is restored if it stays
COMMENT ON COLUMN accounts.kept_effect IS 'the effect of restrictions while the account is leaving, NULL otherwise';

CREATE TABLE departures (
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    state text COLLATE "C" NOT NULL,                          -- network/departures/model.py declares the steps
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL                               -- until then the member can change their mind
);

CREATE TABLE former_names (
    name_hash bytea PRIMARY KEY                               -- SHA-256 of a name that nobody can take again
);

ALTER TABLE one_time_codes DROP CONSTRAINT one_time_codes_kind_check;
ALTER TABLE one_time_codes ADD CONSTRAINT one_time_codes_kind
    CHECK (kind IN ('confirm_email', 'reset_password', 'change_email', 'keep_email', 'keep_account'));

ALTER TABLE logins ADD COLUMN announced_at timestamptz;       -- when the operators were sent a mail about this sign-up
CREATE INDEX logins_waiting ON logins (created_at) WHERE approved_at IS NULL;
