-- Why: moderators leave each other notes, hand cases over and keep ready sentences; a decision can impose several measures, among
--      them two new ones; the reach of a post can be limited.
-- Locks: ACCESS EXCLUSIVE on cases, verdicts, restrictions and posts until it ends, which takes as long as cases are read once and verdicts twice;
--        columns with constant defaults are not written into the rows.
-- Kind: expand. The previous release shows a post with limited reach like any other, and knows nothing of the other columns.

CREATE TABLE case_notes (                                     -- of moderators, for each other
    id bigint PRIMARY KEY,
    case_id bigint NOT NULL REFERENCES cases,
    author_id bigint NOT NULL,
    text text NOT NULL CHECK (length(text) <= 2000),
    written_at timestamptz NOT NULL
);
CREATE INDEX case_notes_case ON case_notes (case_id, id);

ALTER TABLE cases ADD COLUMN assigned_to_id bigint;           -- who is asked to decide it
ALTER TABLE cases ADD COLUMN assigned_at timestamptz;
CREATE INDEX cases_assigned ON cases (assigned_to_id) WHERE state = 'open' AND assigned_to_id IS NOT NULL;

CREATE TABLE verdict_templates (                              -- ready sentences for explanations
    id bigint PRIMARY KEY,
    title text NOT NULL CHECK (length(title) <= 80),
    text text NOT NULL CHECK (length(text) <= 2000),
    author_id bigint NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE INDEX verdicts_clause ON verdicts (clause, id DESC) WHERE settled_at IS NOT NULL;
ALTER TABLE verdicts ADD COLUMN measures text[] NOT NULL DEFAULT '{}';  -- kinds of restrictions; empty in rows of the previous release
ALTER TABLE verdicts ADD COLUMN batch_id bigint;              -- the verdict about the same words that this one repeats
CREATE INDEX verdicts_batch ON verdicts (batch_id) WHERE batch_id IS NOT NULL;
CREATE TABLE verdict_batches (                                -- a verdict to be repeated about so many posts that two people are needed
    verdict_id bigint PRIMARY KEY REFERENCES verdicts,
    proposed_by_id bigint NOT NULL,
    count integer NOT NULL,
    state text COLLATE "C" NOT NULL,                          -- moderation/verdicts/model.py declares the steps
    proposed_at timestamptz NOT NULL,
    closed_by_id bigint,
    closed_at timestamptz
);
CREATE INDEX verdict_batches_waiting ON verdict_batches (proposed_at) WHERE state = 'proposed';
ALTER TABLE verdicts DROP CONSTRAINT verdicts_action_check;
ALTER TABLE verdicts ADD CONSTRAINT verdicts_action_check
    CHECK (action IN ('keep', 'warn', 'label', 'limit', 'hide', 'remove', 'freeze', 'suspend')) NOT VALID;
ALTER TABLE restrictions DROP CONSTRAINT restrictions_kind_check;
ALTER TABLE restrictions ADD CONSTRAINT restrictions_kind_check
    CHECK (kind IN ('warn', 'label', 'limit', 'limit_post', 'hide', 'remove', 'freeze', 'suspend')) NOT VALID;

ALTER TABLE posts ADD COLUMN is_limited boolean NOT NULL DEFAULT false;  -- shown only to those who follow its author, and where it is linked
