-- Why: some of the items that jurors judge have a known answer: settled cases, and at first questions of the training. A juror is called
--      once while cases wait, and mailed at most once a day.
-- Locks: ACCESS EXCLUSIVE on gold_answers while its rows are read for two indexes: ten or twenty per juror. SHARE ROW EXCLUSIVE on
--      jurors and cases until then, for the foreign keys of empty tables.
-- Kind: expand. The previous release writes no such rows; it shows those of this one in the archive, as answers of a training.

ALTER TABLE gold_answers                                      -- attempt 0: asked among cases
    ADD COLUMN item_id bigint,                                -- what the juror's page calls it; looks like that of a seat
    ADD COLUMN case_id bigint,                                -- the settled case; NULL for a question of the file
    ADD COLUMN suspected text COLLATE "C" NOT NULL DEFAULT '',  -- key of the clause that comes to mind
    ADD COLUMN severity smallint,                             -- as in an answer to a case
    ADD COLUMN opened_at timestamptz,
    ADD COLUMN leased_until timestamptz;                      -- until when it can be answered, as a seat
CREATE UNIQUE INDEX gold_answers_item ON gold_answers (item_id) WHERE item_id IS NOT NULL;
CREATE INDEX gold_answers_case ON gold_answers (case_id) WHERE case_id IS NOT NULL;

CREATE TABLE juror_turns (                                    -- how items come to a juror, and calls
    account_id bigint PRIMARY KEY REFERENCES jurors ON DELETE CASCADE,
    cases_to_gold smallint,                                   -- cases before the next gold question; NULL: not drawn yet
    called_at timestamptz,                                    -- since when a call is open
    mailed_at timestamptz,                                    -- the last mail about a call
    wants_mails boolean NOT NULL DEFAULT true
);
CREATE INDEX juror_turns_called ON juror_turns (account_id) WHERE called_at IS NOT NULL;

CREATE TABLE gold_cases (                                     -- settled cases that are fit to be gold questions
    case_id bigint PRIMARY KEY REFERENCES cases,
    expected text COLLATE "C" NOT NULL,                       -- key of the broken clause; empty: none
    language text COLLATE "C",                                -- of the post
    has_pictures boolean NOT NULL,
    uses smallint NOT NULL DEFAULT 0,                         -- how many jurors were asked
    added_at timestamptz NOT NULL
);
