-- Why: who decides a case sees what was reported beside what stands now, also after the author has edited or deleted it.
-- Locks: SHARE ROW EXCLUSIVE on cases for an instant; no table is rewritten.
-- Kind: expand. Cases that the previous release opens meanwhile have evidence from the next report or the decision on.

CREATE TABLE evidence (                                       -- versions of what a case is about, until its time to appeal is over
    case_id bigint NOT NULL REFERENCES cases,
    key text COLLATE "C" NOT NULL,                            -- a hash of the content
    account_id bigint NOT NULL,                               -- who wrote it
    content jsonb NOT NULL,                                   -- moderation/evidence/model.py
    stood_from timestamptz NOT NULL,                          -- when it was written
    reported_at timestamptz,                                  -- when it was reported first; NULL: another version of the same post
    decided_at timestamptz,                                   -- when a decision was made about it
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, key)
);
CREATE INDEX evidence_account ON evidence (account_id);

CREATE TABLE evidence_media (                                 -- pictures whose files are held for a case
    media_id bigint NOT NULL,
    case_id bigint NOT NULL REFERENCES cases,
    PRIMARY KEY (media_id, case_id)
);
CREATE INDEX evidence_media_case ON evidence_media (case_id);
