-- Why: one home rule (decision 0043): a home knows down to which id it is complete, and whether an author is pushed or
--      pulled is one fact for all readers.
-- Locks: ACCESS EXCLUSIVE on homes and home_entries for a moment; no row is rewritten.
-- Kind: expand. The previous release goes on setting built_at and origin_id; a home that it builds has no floor_id and is
--      built again by this one. homes.built_at and home_entries.origin_id are dropped in a later release.

ALTER TABLE homes ADD COLUMN floor_id bigint;              -- complete above this id; NULL until it is built
ALTER TABLE home_entries ALTER COLUMN origin_id DROP NOT NULL;

CREATE TABLE pulled_authors (                              -- have too many followers to push to; follows.is_pulled follows this
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE
);
INSERT INTO pulled_authors SELECT DISTINCT target_id FROM follows WHERE is_pulled;
