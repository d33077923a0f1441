-- Why: jurors label the daily sample of views: each of its posts is asked of two or three jurors, as an item that looks like a case. And
--      groups of jurors whose answers look arranged are stored, so that moderators and operators read of them.
-- Locks: SHARE ROW EXCLUSIVE on sample_items and accounts for an instant, for the foreign keys of empty tables.
-- Kind: expand. The previous release does not know the tables; its moderators label the sample.

CREATE TABLE sample_seats (                                   -- as jury_seats; connects an account with an answer until it is forgotten
    id bigint PRIMARY KEY,                                    -- random; looks like that of a seat in a case
    item_id bigint NOT NULL REFERENCES sample_items ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    state text COLLATE "C" NOT NULL,                          -- moderation/juries/model.py declares the steps
    suspected text COLLATE "C" NOT NULL,                      -- key of the rule that is shown among the first
    drawn_at timestamptz NOT NULL,
    until timestamptz NOT NULL,                               -- of the invitation or, once opened, of the lease
    opened_at timestamptz,
    version text COLLATE "C" NOT NULL DEFAULT '',             -- key of the words that the juror has read
    answer smallint,                                          -- jury/model.py: Answer
    clause text COLLATE "C" NOT NULL DEFAULT '',              -- the broken one
    severity smallint CHECK (severity BETWEEN 1 AND 3),
    sureness smallint CHECK (sureness BETWEEN 1 AND 3),
    answered_at timestamptz,
    UNIQUE (item_id, account_id)
);
CREATE INDEX sample_seats_account ON sample_seats (account_id, drawn_at);
CREATE INDEX sample_seats_drawn ON sample_seats (drawn_at);
CREATE INDEX sample_seats_outstanding ON sample_seats (account_id) WHERE state IN ('offered', 'opened');

CREATE TABLE jury_rings (                                     -- groups of jurors whose answers look arranged
    id bigint PRIMARY KEY,
    found_at timestamptz NOT NULL,
    confirmed_at timestamptz NOT NULL,                        -- by the last search that found them
    evidence real NOT NULL,                                   -- nats beyond the threshold, as the last search found it
    cases integer NOT NULL                                    -- in which at least two of them sat
);

CREATE TABLE jury_ring_members (
    ring_id bigint NOT NULL REFERENCES jury_rings ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    PRIMARY KEY (ring_id, account_id)
);
CREATE INDEX jury_ring_members_account ON jury_ring_members (account_id);
