-- Why: juries of volunteers decide cases. A jury is one row for each case; a seat is one juror's place in it, with the answer; the
--      weights with which answers are counted are fitted from time to time.
-- Locks: SHARE ROW EXCLUSIVE on cases and accounts for an instant, for the foreign keys of empty tables.
-- Kind: expand. The previous release does not know the tables; its moderators decide every case, which closes its jury.

CREATE TABLE juries (
    case_id bigint PRIMARY KEY REFERENCES cases,
    state text COLLATE "C" NOT NULL,                          -- moderation/juries/model.py declares the steps
    reason text COLLATE "C" NOT NULL DEFAULT '',              -- why moderators decide instead
    side smallint CHECK (side IN (0, 1)),                     -- camp of the author; NULL: close to neither
    is_agreed boolean NOT NULL DEFAULT false,                 -- detector and reports say the same
    wanted smallint NOT NULL DEFAULT 0,                       -- answers that are asked for until the next count
    restarts smallint NOT NULL DEFAULT 0,                     -- because the words were changed
    formed_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE INDEX juries_sitting ON juries (case_id) WHERE state = 'sitting';

CREATE TABLE jury_seats (                                     -- the only table that connects an account with an answer
    id bigint PRIMARY KEY,                                    -- random; what a juror sees of it
    case_id bigint NOT NULL REFERENCES juries,
    number smallint NOT NULL,                                 -- the name of the seat in the journal
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    camp smallint NOT NULL CHECK (camp IN (0, 1)),            -- of the juror, when drawn
    state text COLLATE "C" NOT NULL,
    drawn_at timestamptz NOT NULL,
    until timestamptz NOT NULL,                               -- of the invitation or, once opened, of the lease
    called_at timestamptz,                                    -- when the juror was told of the invitation
    opened_at timestamptz,
    version text COLLATE "C" NOT NULL DEFAULT '',             -- key of the words that the juror has read
    answer smallint,                                          -- jury/model.py: Answer
    clause text COLLATE "C" NOT NULL DEFAULT '',              -- the broken one
    severity smallint CHECK (severity BETWEEN 1 AND 3),
    sureness smallint CHECK (sureness BETWEEN 1 AND 3),
    answered_at timestamptz,
    UNIQUE (case_id, number),
    UNIQUE (case_id, account_id)
);
CREATE INDEX jury_seats_account ON jury_seats (account_id, drawn_at);
CREATE INDEX jury_seats_drawn ON jury_seats (drawn_at);
CREATE INDEX jury_seats_outstanding ON jury_seats (account_id) WHERE state IN ('offered', 'opened');

CREATE TABLE jury_fits (                                      -- versions of the weights; the newest counts
    version integer PRIMARY KEY,
    fitted_at timestamptz NOT NULL,
    base integer NOT NULL,                                    -- thousandths of a nat, as all weights
    newcomer integer[] NOT NULL,                              -- weights of a juror without answers: three for "breach", three for "harmless"
    answers integer NOT NULL,                                 -- from which it was fitted
    jurors integer NOT NULL
);

CREATE TABLE juror_weights (                                  -- of the newest version
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    weights integer[] NOT NULL
);

CREATE TABLE camp_positions (                                 -- on the axis of the camps; accounts near nobody have none
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    place real NOT NULL
);
