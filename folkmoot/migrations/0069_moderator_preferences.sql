-- Why: moderators can leave topics to others, and set a daily limit of their own that is below that of the network.
-- Locks: SHARE ROW EXCLUSIVE on accounts for an instant, for the foreign key of an empty table.
-- Kind: expand. The previous release gives out cases without looking at this table.

CREATE TABLE moderator_preferences (
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    avoided text[] COLLATE "C" NOT NULL DEFAULT '{}',         -- keys of clauses whose cases others decide
    daily_limit smallint CHECK (daily_limit BETWEEN 1 AND 1000)  -- NULL: that of the settings
);
