-- Why: a flood of false reports must not delay real ones: each lane of the queue has two orders, a report weighs less the more open
--      cases its reporter has, and only what is probable enough is hidden at its deadline. Outcomes of reports are mailed once a day.
-- Locks: SHARE on cases, ACCESS EXCLUSIVE on report_cases and SHARE ROW EXCLUSIVE on accounts until it ends, which takes as long as
--        the open cases are read three times; columns with constant defaults are not written into the rows.
-- Kind: expand. The previous release reads the queue by cases_lanes and what is due by cases_due, which can be dropped later; its
--       reports have the weight of a reporter without open cases, and its own mails are not noted.

-- The orders of each lane: cases/queries/orders.py uses these very expressions. By harm: what is hidden already does less harm.
CREATE INDEX cases_by_harm ON cases (
    (CASE WHEN is_demanded THEN 0 WHEN severity >= 0.8 THEN 1 ELSE 2 END), is_confirmed DESC,
    (ln(greatest(harm, 0.000001)::float8) / ln(2::float8)
     - extract(epoch FROM due_at - timestamptz '2020-01-01 00:00:00+00')::float8 / 172800
     - (CASE WHEN interim_at IS NULL THEN 0 ELSE 3 END)) DESC, id
) WHERE state = 'open';
-- By deadline: what is overdue, first what is hidden, because its author waits.
CREATE INDEX cases_by_deadline ON cases (
    (CASE WHEN is_demanded THEN 0 WHEN severity >= 0.8 THEN 1 ELSE 2 END), (interim_at IS NULL), due_at, id
) WHERE state = 'open' AND is_confirmed AND noted_share >= 100;
CREATE INDEX cases_to_hide ON cases (due_at, id)
    WHERE state = 'open' AND interim_at IS NULL AND is_confirmed AND subject = 'post' AND appealed_verdict_id IS NULL
        AND (is_demanded OR probability >= 0.2::float8);

-- What a reporter, and the accounts that signed up on the same day, had in the lane of a case when they reported it.
ALTER TABLE report_cases ADD COLUMN place integer NOT NULL DEFAULT 0;
ALTER TABLE report_cases ADD COLUMN day_place integer NOT NULL DEFAULT 0;

CREATE TABLE outcome_mails (                                  -- of members with outcomes of reports that were not mailed yet, or lately
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    reports integer NOT NULL DEFAULT 0,                       -- reports with an outcome since the last mail
    report_id bigint NOT NULL,                                -- the newest of them
    due_at timestamptz,                                       -- of the next mail; NULL: nothing to say
    mailed_at timestamptz
);
CREATE INDEX outcome_mails_due ON outcome_mails (due_at) WHERE due_at IS NOT NULL;
