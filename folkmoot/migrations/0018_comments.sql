-- Why: psql shows what the numbers in these columns mean. The comments in 0002 (accounts.effect) and 0003 (posts.effect) are wrong.
-- Locks: SHARE UPDATE EXCLUSIVE on accounts, posts, marks and counter_deltas for an instant; reading and writing go on.
-- Kind: expand.

COMMENT ON COLUMN accounts.effect IS '0 none, 1 limited, 2 frozen, 3 suspended';
COMMENT ON COLUMN posts.effect IS '0 none, 1 label, 2 hidden, 3 removed';
COMMENT ON COLUMN posts.visibility IS '0 public, 1 unlisted, 2 followers, 3 direct';
COMMENT ON COLUMN marks.bits IS '1 favourite, 2 boost, 4 bookmark, 8 muted, 16 pinned, 32 voted';
COMMENT ON COLUMN counter_deltas.counter IS '1 account posts, 2 account followers, 3 account following, 11 post replies, 12 post boosts, 13 post favourites';
