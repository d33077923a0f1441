-- Why: what two people decide together is one table: repetitions of a verdict, deletions of accounts, and legal holds. A removed post is
--      cleared for good when it can no longer be appealed, unless a hold keeps it; what a hold keeps outlives the account.
-- Locks: ACCESS EXCLUSIVE on restrictions and media until it ends, which takes as long as the index on restrictions reads them once;
--        columns with constant defaults are not written into the rows.
-- Kind: expand. Proposals that the previous release makes while both run stay in verdict_batches, which is dropped later. It skips
--       pictures without an account.

CREATE TABLE proposals (
    id bigint PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,                           -- moderation/proposals/model.py
    case_id bigint NOT NULL REFERENCES cases,
    verdict_id bigint REFERENCES verdicts,                    -- that is repeated, or extended by the deletion of the account
    count integer NOT NULL DEFAULT 1,                         -- of posts that are concerned
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 2000),
    until timestamptz,                                        -- of a hold
    state text COLLATE "C" NOT NULL,
    proposed_by_id bigint NOT NULL,
    proposed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    closed_by_id bigint,                                      -- NULL: it has expired
    closed_at timestamptz
);
CREATE UNIQUE INDEX proposals_waiting ON proposals (case_id, kind) WHERE state = 'proposed';
CREATE INDEX proposals_case ON proposals (case_id, id DESC);

INSERT INTO proposals (id, kind, case_id, verdict_id, count, state, proposed_by_id, proposed_at, expires_at, closed_by_id, closed_at)
SELECT b.verdict_id, 'repeat', v.case_id, b.verdict_id, b.count, CASE b.state WHEN 'approved' THEN 'agreed' ELSE b.state END,
    b.proposed_by_id, b.proposed_at, greatest(b.proposed_at, now()) + interval '1 day', b.closed_by_id, b.closed_at
FROM verdict_batches AS b JOIN verdicts AS v ON v.id = b.verdict_id;

CREATE TABLE legal_holds (                                    -- what a case is about is kept, whatever would delete it
    id bigint PRIMARY KEY,
    case_id bigint NOT NULL REFERENCES cases,
    ground text COLLATE "C" NOT NULL,                         -- moderation/holds/model.py
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 2000),
    proposal_id bigint REFERENCES proposals,                  -- NULL: no people, but a law has placed it
    state text COLLATE "C" NOT NULL,
    placed_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by_id bigint,                                       -- NULL: it has expired
    end_reason text NOT NULL DEFAULT '' CHECK (length(end_reason) <= 2000)
);
CREATE INDEX legal_holds_in_force ON legal_holds (case_id) WHERE state = 'in_force';
CREATE INDEX legal_holds_case ON legal_holds (case_id);

ALTER TABLE restrictions ADD COLUMN cleared_at timestamptz;   -- when what it had removed was deleted for good
CREATE INDEX restrictions_to_clear ON restrictions (imposed_at)
    WHERE kind IN ('remove', 'delete') AND lifted_at IS NULL AND cleared_at IS NULL;
ALTER TABLE restrictions DROP CONSTRAINT restrictions_kind_check;
ALTER TABLE restrictions ADD CONSTRAINT restrictions_kind_check
    CHECK (kind IN ('warn', 'label', 'limit', 'limit_post', 'hide', 'remove', 'freeze', 'suspend', 'delete')) NOT VALID;

ALTER TABLE media ALTER COLUMN account_id DROP NOT NULL;      -- NULL: the account is deleted, and a hold keeps the picture
ALTER TABLE media ADD COLUMN outlives_account boolean NOT NULL DEFAULT false;
