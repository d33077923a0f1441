-- Why: what one flood can cost is bounded. The weight of a report is stored, so that the next report about the same post reads a few
--      reporters and not all of them. Mails about decisions are counted for each author, so that one mail a day sums them up. Notices of
--      verified contacts are listed first, whatever others claim.
-- Locks: ACCESS EXCLUSIVE on report_cases, SHARE ROW EXCLUSIVE on accounts and SHARE on notices until it ends, which takes as long as
--        report_cases and notices are read once; a column with a constant default is not written into the rows.
-- Kind: expand. Reports that the previous release files have the weight of a newcomer's; its own mails to authors are not noted.

ALTER TABLE report_cases ADD COLUMN weight double precision NOT NULL DEFAULT 0.3333;  -- when it was filed, or its reporter was weighed again
CREATE INDEX report_cases_weight ON report_cases (case_id, weight DESC, report_id);

CREATE TABLE statement_mails (                                -- of authors who were mailed about a decision lately
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    decisions integer NOT NULL DEFAULT 0,                     -- since the last mail
    due_at timestamptz,                                       -- of the next mail; NULL: nothing to say
    mailed_at timestamptz NOT NULL
);
CREATE INDEX statement_mails_due ON statement_mails (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX notices_by_weight ON notices ((contact_id IS NULL), due_at, id) WHERE state <> 'answered';
