-- Why: heads of the journal that others can keep, so that a chain is noticed that was cut off or rewritten with the network's own
--      secret; a root over the entries between two of them proves single entries without showing the others.
-- Locks: none on existing tables.
-- Kind: expand.

CREATE TABLE journal_anchors (
    position bigint PRIMARY KEY,                              -- the last entry that it covers
    since bigint NOT NULL UNIQUE,                             -- that of the anchor before it: entries since + 1 to position are covered
    hash bytea NOT NULL,                                      -- of the chain at this position
    root bytea NOT NULL,                                      -- Merkle root of the hashes of these entries (RFC 9162 2.1)
    at timestamptz NOT NULL,
    CHECK (position > since)
);
CREATE FUNCTION keep_anchors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'anchors of the journal are only added to';
END
$$;
CREATE TRIGGER journal_anchors_are_kept BEFORE UPDATE OR DELETE ON journal_anchors FOR EACH ROW EXECUTE FUNCTION keep_anchors();
CREATE TRIGGER journal_anchors_are_not_emptied BEFORE TRUNCATE ON journal_anchors FOR EACH STATEMENT EXECUTE FUNCTION keep_anchors();
