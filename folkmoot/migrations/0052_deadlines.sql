-- Why: what nobody has decided at its deadline is hidden; people are called before; lanes keep noise from drowning threats.
-- Locks: ACCESS EXCLUSIVE on cases and statements until it ends, which takes as long as the open cases are read twice; columns
--        with constant defaults are not written into the rows.
-- Kind: expand. The previous release neither hides at a deadline nor calls anybody; it reads the queue by cases_urgency.

ALTER TABLE cases ADD COLUMN interim_at timestamptz;          -- when the deadline came and the subject was hidden, if it could be
ALTER TABLE cases ADD COLUMN called_share smallint NOT NULL DEFAULT 0;  -- noted_share for which people were called
ALTER TABLE cases ADD COLUMN is_demanded boolean NOT NULL DEFAULT false;  -- a demand from outside has set its deadline
CREATE INDEX cases_due ON cases (due_at) WHERE state = 'open' AND interim_at IS NULL;
CREATE INDEX cases_to_call ON cases (noted_share) WHERE state = 'open' AND called_share < noted_share;

-- The order of the queue within each lane: cases/queries/reading.py uses these very expressions. The lanes are demands from
-- outside, threats, and everything else. First what is confirmed, then what is overdue, then by urgency as in cases_urgency.
CREATE INDEX cases_lanes ON cases (
    (CASE WHEN is_demanded THEN 0 WHEN severity >= 0.8 THEN 1 ELSE 2 END), is_confirmed DESC, (noted_share >= 100) DESC,
    (ln(greatest(harm, 0.000001)::float8) / ln(2::float8)
     - extract(epoch FROM due_at - timestamptz '2020-01-01 00:00:00+00')::float8 / 172800) DESC, id
) WHERE state = 'open';

CREATE TABLE escalation_calls (                               -- when people were last called about cases of a share
    share smallint PRIMARY KEY,                               -- 50, 80 or 100
    called_at timestamptz NOT NULL
);

-- A statement can also come from a demand from outside, or from a deadline.
ALTER TABLE statements DROP CONSTRAINT statements_source_check;
ALTER TABLE statements ADD CONSTRAINT statements_source_check CHECK (source IN ('report', 'detector', 'notice')) NOT VALID;
ALTER TABLE statements ADD COLUMN is_after_deadline boolean NOT NULL DEFAULT false;  -- interim, because nobody decided in time
