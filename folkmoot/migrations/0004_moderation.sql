-- Why: cases with their reports and signals; verdicts, restrictions, statements, appeals; the journal of all of it.
-- Locks: ACCESS EXCLUSIVE on posts and notifications for an instant; no table is rewritten.
-- Kind: expand.

ALTER TABLE posts ADD COLUMN label text COLLATE "C";            -- clause that a label names; NULL without one

-- What the place itself tells somebody points to a statement or a report, not to a post.
ALTER TABLE notifications ADD COLUMN reference_id bigint;
ALTER TABLE notifications DROP CONSTRAINT notifications_account_id_kind_from_id_post_id_key;
ALTER TABLE notifications ADD CONSTRAINT notifications_once
    UNIQUE NULLS NOT DISTINCT (account_id, kind, from_id, post_id, reference_id);

CREATE TABLE cases (
    id bigint PRIMARY KEY,
    subject text COLLATE "C" NOT NULL CHECK (subject IN ('post', 'account')),
    subject_id bigint NOT NULL,                               -- no foreign key: a case outlives what it is about
    account_id bigint NOT NULL,                               -- who wrote it, or who it is
    state text COLLATE "C" NOT NULL,                          -- moderation/cases/model.py declares the steps
    clause text COLLATE "C" NOT NULL,                         -- suspected
    severity real NOT NULL,
    probability real NOT NULL,                                -- that people would find the clause broken
    harm real NOT NULL,                                       -- severity x probability x reach: what the queue goes by
    appealed_verdict_id bigint,                               -- set: a second look, at this verdict's subject
    barred_ids bigint[] NOT NULL DEFAULT '{}',                -- who may not decide it: who reported it, who decided before
    holder_id bigint,                                         -- who has claimed it, until held_until
    held_until timestamptz,
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE UNIQUE INDEX cases_one_open ON cases (subject, subject_id) WHERE state = 'open' AND appealed_verdict_id IS NULL;
CREATE UNIQUE INDEX cases_one_appeal ON cases (appealed_verdict_id) WHERE state = 'open';
CREATE INDEX cases_queue ON cases (id) WHERE state = 'open';  -- the order depends on the hour
CREATE INDEX cases_subject ON cases (subject, subject_id, id DESC);
CREATE INDEX cases_account ON cases (account_id, id DESC);

CREATE TABLE signals (                                        -- what a detector pointed out
    id bigint PRIMARY KEY,
    case_id bigint NOT NULL REFERENCES cases,
    post_id bigint NOT NULL,
    edited_at timestamptz,                                    -- which words of the post: NULL for the first
    detector text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    clause text COLLATE "C" NOT NULL,
    score real NOT NULL,
    is_hiding boolean NOT NULL,
    reasons text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (post_id, edited_at, detector, version, clause)
);
CREATE INDEX signals_case ON signals (case_id);

CREATE TABLE reports (
    id bigint PRIMARY KEY,
    reporter_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    account_id bigint NOT NULL,                               -- who is reported
    post_ids bigint[] NOT NULL DEFAULT '{}',
    category text COLLATE "C" NOT NULL CHECK (category IN ('spam', 'legal', 'violation', 'other')),
    clauses text[] NOT NULL DEFAULT '{}',
    comment text NOT NULL DEFAULT '' CHECK (length(comment) <= 1000),
    forwards boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL
);
CREATE INDEX reports_reporter ON reports (reporter_id, id DESC);
CREATE TABLE report_cases (                                   -- a report about three posts joins three cases
    case_id bigint NOT NULL REFERENCES cases,
    report_id bigint NOT NULL REFERENCES reports ON DELETE CASCADE,
    reporter_id bigint NOT NULL,
    told_at timestamptz,                                      -- of the outcome
    PRIMARY KEY (case_id, report_id)
);
CREATE INDEX report_cases_report ON report_cases (report_id);
CREATE INDEX report_cases_reporter ON report_cases (reporter_id, case_id);

CREATE TABLE verdicts (
    id bigint PRIMARY KEY,
    case_id bigint NOT NULL REFERENCES cases,
    moderator_id bigint NOT NULL,
    action text COLLATE "C" NOT NULL CHECK (action IN ('keep', 'label', 'hide', 'remove', 'freeze', 'suspend')),
    clause text COLLATE "C" NOT NULL,                         -- broken; with keep: the one that was found whole
    policy text COLLATE "C" NOT NULL,                         -- version of the policy
    explanation text NOT NULL DEFAULT '' CHECK (length(explanation) <= 2000),
    until timestamptz,
    made_at timestamptz NOT NULL,
    undone_at timestamptz,                                    -- taken back by the same moderator, within half a minute
    settled_at timestamptz,                                   -- when everybody was told: from then on only an appeal changes it
    overturned_by_id bigint                                   -- the verdict on appeal that replaced it
);
CREATE UNIQUE INDEX verdicts_one_standing ON verdicts (case_id) WHERE undone_at IS NULL;
CREATE INDEX verdicts_moderator ON verdicts (moderator_id, id DESC);

CREATE TABLE restrictions (                                   -- the truth; posts.effect and accounts.effect follow from it
    id bigint PRIMARY KEY,
    subject text COLLATE "C" NOT NULL CHECK (subject IN ('post', 'account')),
    subject_id bigint NOT NULL,
    account_id bigint NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('label', 'hide', 'remove', 'freeze', 'suspend')),
    clause text COLLATE "C" NOT NULL,
    case_id bigint NOT NULL REFERENCES cases,
    verdict_id bigint REFERENCES verdicts,                    -- NULL: pending review
    imposed_at timestamptz NOT NULL,
    until timestamptz,
    lifted_at timestamptz,
    lifted_by_verdict_id bigint                               -- so that taking the verdict back restores what it lifted
);
CREATE INDEX restrictions_standing ON restrictions (subject, subject_id) WHERE lifted_at IS NULL;
CREATE INDEX restrictions_until ON restrictions (until) WHERE lifted_at IS NULL AND until IS NOT NULL;
CREATE INDEX restrictions_case ON restrictions (case_id);
CREATE INDEX restrictions_verdict ON restrictions (verdict_id);

CREATE TABLE statements (                                     -- statements of reasons, DSA Art. 17
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    restriction_id bigint NOT NULL UNIQUE REFERENCES restrictions,
    case_id bigint NOT NULL REFERENCES cases,
    kind text COLLATE "C" NOT NULL,                           -- of the restriction
    clause text COLLATE "C" NOT NULL,
    policy text COLLATE "C" NOT NULL,
    quote text NOT NULL DEFAULT '',                           -- the author's own words, as they were
    explanation text NOT NULL DEFAULT '',
    source text COLLATE "C" NOT NULL CHECK (source IN ('report', 'detector')),
    is_interim boolean NOT NULL,                              -- pending review: decided by a machine
    posted_at timestamptz,
    until timestamptz,
    issued_at timestamptz NOT NULL,
    told_at timestamptz
);
CREATE INDEX statements_account ON statements (account_id, id DESC);
CREATE INDEX statements_case ON statements (case_id);

CREATE TABLE appeals (
    id bigint PRIMARY KEY,
    verdict_id bigint NOT NULL REFERENCES verdicts,
    case_id bigint NOT NULL REFERENCES cases,                 -- in which it is heard
    appellant_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    side text COLLATE "C" NOT NULL CHECK (side IN ('author', 'reporter')),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 1000),
    state text COLLATE "C" NOT NULL,                          -- moderation/appeals/model.py declares the steps
    lodged_at timestamptz NOT NULL,
    closed_at timestamptz,
    UNIQUE (verdict_id, appellant_id)
);
CREATE INDEX appeals_case ON appeals (case_id);
CREATE INDEX appeals_appellant ON appeals (appellant_id, id DESC);

-- The journal: append-only. A row is written with its cause; a sealer gives it its place in the chain afterwards, so
-- that writers never wait for each other.
CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,       -- only staff see it
    at timestamptz NOT NULL,
    kind text COLLATE "C" NOT NULL,
    case_id bigint,
    actor_id bigint,
    facts text COLLATE "C" NOT NULL,                          -- JSON, as it was hashed
    position bigint UNIQUE,
    hash bytea,
    CHECK ((position IS NULL) = (hash IS NULL))
);
CREATE INDEX journal_case ON journal (case_id, id);
CREATE INDEX journal_unsealed ON journal (id) WHERE position IS NULL;
CREATE TABLE journal_heads (                                  -- the chain's end at the close of each day, signed
    day date PRIMARY KEY,
    position bigint NOT NULL,
    hash bytea NOT NULL,
    signature text COLLATE "C" NOT NULL
);

CREATE FUNCTION keep_journal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND NEW.position IS NOT NULL
        AND ROW (NEW.id, NEW.at, NEW.kind, NEW.case_id, NEW.actor_id, NEW.facts)
            IS NOT DISTINCT FROM ROW (OLD.id, OLD.at, OLD.kind, OLD.case_id, OLD.actor_id, OLD.facts) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the journal is only added to';
END
$$;
CREATE TRIGGER journal_is_kept BEFORE UPDATE OR DELETE ON journal FOR EACH ROW EXECUTE FUNCTION keep_journal();
CREATE TRIGGER journal_is_not_emptied BEFORE TRUNCATE ON journal FOR EACH STATEMENT EXECUTE FUNCTION keep_journal();
