-- Why: being a juror is a record with a state, not a role of the log-in. What jurors answer to questions whose answer is known is kept:
--      later it tells how reliable they are. No account ever had a right from the role `juror`.
-- Locks: SHARE ROW EXCLUSIVE on accounts for an instant, for the foreign key of an empty table; rows of logins with the old role.
-- Kind: expand. The previous release does not know the tables.

CREATE TABLE jurors (
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    state text COLLATE "C" NOT NULL,                          -- moderation/jurors/model.py
    changed_at timestamptz NOT NULL,                          -- of the state
    languages text[] COLLATE "C" NOT NULL DEFAULT '{}',       -- in which the juror judges
    avoided text[] COLLATE "C" NOT NULL DEFAULT '{}',         -- keys of clauses whose cases others judge
    without_pictures boolean NOT NULL DEFAULT false,          -- cases with pictures go to others
    counted_from timestamptz NOT NULL,                        -- the first of the applications that are counted
    applications smallint NOT NULL DEFAULT 1,
    attempts smallint NOT NULL DEFAULT 0,                     -- trainings that were begun since then
    failed_at timestamptz,                                    -- when the last one of these was not passed
    passed_at timestamptz,
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 2000),  -- of an exclusion
    excluded_by_id bigint
);
CREATE INDEX jurors_left ON jurors (counted_from) WHERE state = 'left';

CREATE TABLE gold_answers (                                   -- a row for each question that was asked
    account_id bigint NOT NULL REFERENCES jurors ON DELETE CASCADE,
    attempt smallint NOT NULL,
    position smallint NOT NULL,
    question text COLLATE "C" NOT NULL,                       -- its key in the file of questions
    language text COLLATE "C" NOT NULL,
    expected text COLLATE "C" NOT NULL,                       -- key of the broken clause; empty: none
    answer text COLLATE "C",                                  -- the same; NULL with a time: cannot say
    sureness smallint CHECK (sureness BETWEEN 1 AND 3),
    is_right boolean,
    answered_at timestamptz,
    PRIMARY KEY (account_id, attempt, position)
);

UPDATE logins SET role = 'member' WHERE role = 'juror';
