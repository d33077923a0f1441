-- Why: seats instead of one holder; verdicts name their decider; deadlines that are noted once; an index in the order of the
--      queue; signals about profiles; records of moderation that outlive the accounts they name.
-- Locks: ACCESS EXCLUSIVE on cases, signals, verdicts, reports, report_cases, statements, appeals and accounts until it ends,
--        which takes as long as cases, signals, verdicts and report_cases are read once or twice; no table is rewritten.
-- Kind: expand. The previous release still claims by cases.holder_id: while both run, two moderators can hold one case, and the
--       one who decides second is refused as before.

CREATE TABLE case_seats (                                     -- who may decide a case now: one moderator, later a jury
    case_id bigint NOT NULL REFERENCES cases,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('moderator', 'juror')),
    number smallint NOT NULL CHECK (number BETWEEN 1 AND 9),
    account_id bigint NOT NULL,                               -- who sits there, or sat there last
    state text COLLATE "C" NOT NULL,                          -- moderation/cases/model.py declares the steps
    leased_until timestamptz NOT NULL,                        -- a held seat is free from then on
    PRIMARY KEY (case_id, kind, number)
);
CREATE INDEX case_seats_account ON case_seats (account_id, case_id) WHERE state = 'held';
INSERT INTO case_seats (case_id, kind, number, account_id, state, leased_until)
    SELECT id, 'moderator', 1, holder_id, 'held', held_until FROM cases
    WHERE state = 'open' AND holder_id IS NOT NULL AND held_until IS NOT NULL;

ALTER TABLE verdicts ADD COLUMN decider_kind text COLLATE "C" NOT NULL DEFAULT 'person'
    CHECK (decider_kind IN ('person', 'jury', 'system'));
ALTER TABLE verdicts ADD COLUMN decider_id bigint;            -- of a person: moderator_id too, which stays filled
ALTER TABLE verdicts ALTER COLUMN moderator_id DROP NOT NULL; -- a jury is nobody

ALTER TABLE cases ADD COLUMN noted_share smallint NOT NULL DEFAULT 0;  -- of the time to decide: 50, 80 or 100 percent were noted

-- The order of the queue: cases/queries.py uses this very expression. The logarithm to the base 2 of the expected harm, which
-- doubles every 48 hours: the hour cancels out, so the order is the same at any time.
CREATE INDEX cases_urgency ON cases (
    (ln(greatest(harm, 0.000001)::float8) / ln(2::float8)
     - extract(epoch FROM due_at - timestamptz '2020-01-01 00:00:00+00')::float8 / 172800) DESC, id
) WHERE state = 'open';

-- A signal about a profile has no post; `words` says which words it is about.
ALTER TABLE signals ALTER COLUMN post_id DROP NOT NULL;
ALTER TABLE signals ADD COLUMN account_id bigint;
ALTER TABLE signals ADD COLUMN words text COLLATE "C";
ALTER TABLE signals DROP CONSTRAINT signals_post_id_edited_at_detector_version_clause_key;
CREATE UNIQUE INDEX signals_post_once ON signals (post_id, edited_at, detector, version, clause) NULLS NOT DISTINCT
    WHERE post_id IS NOT NULL;
CREATE UNIQUE INDEX signals_profile_once ON signals (account_id, words, detector, version, clause) WHERE account_id IS NOT NULL;

ALTER TABLE reports DROP CONSTRAINT reports_reporter_id_fkey;
ALTER TABLE report_cases DROP CONSTRAINT report_cases_report_id_fkey;
ALTER TABLE report_cases ADD CONSTRAINT report_cases_report FOREIGN KEY (report_id) REFERENCES reports NOT VALID;
ALTER TABLE report_cases VALIDATE CONSTRAINT report_cases_report;
ALTER TABLE statements DROP CONSTRAINT statements_account_id_fkey;
ALTER TABLE appeals DROP CONSTRAINT appeals_appellant_id_fkey;
