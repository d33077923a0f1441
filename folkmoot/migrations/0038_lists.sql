-- Why: lists: timelines of some of the accounts that a member follows. A membership hangs on the follow and ends with it.
-- Locks: follows and accounts, SHARE ROW EXCLUSIVE, for a moment: the new tables that refer to them are empty.
-- Kind: expand.

CREATE TABLE lists (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    title text NOT NULL CHECK (length(title) <= 256),
    replies text COLLATE "C" NOT NULL CHECK (replies IN ('list', 'followed', 'none'))
);
CREATE INDEX lists_account ON lists (account_id, id);

CREATE TABLE list_members (
    list_id bigint NOT NULL REFERENCES lists ON DELETE CASCADE,
    account_id bigint NOT NULL,                               -- the owner of the list
    target_id bigint NOT NULL,
    id bigint NOT NULL,
    PRIMARY KEY (list_id, target_id),
    FOREIGN KEY (account_id, target_id) REFERENCES follows ON DELETE CASCADE
);
CREATE INDEX list_members_follow ON list_members (account_id, target_id);
