-- Why: moderators see how much was going on on each day. It is recorded as time passes, because of a member only the last visit is kept,
--      and deleted posts and favourites are gone. A card shows the member whom the page names as its author.
-- Locks: ACCESS EXCLUSIVE on cards while an index on a new column, all NULL, is built; SHARE ROW EXCLUSIVE on accounts as long.
-- Kind: expand. The previous release leaves the creator of a card as it is.

CREATE TABLE daily_activity (
    day date PRIMARY KEY,                                     -- UTC
    -- Members who were here on this day, and in the 7 and 30 days that end with it; NULL: nobody counted on that day.
    members integer,
    members_of_week integer,
    members_of_month integer,
    interactions integer NOT NULL                             -- favourites, boosts and replies by members
);

-- Whom the page names as its author, if that is a member; shown only while the member lists all hosts.
ALTER TABLE cards ADD COLUMN creator_id bigint REFERENCES accounts ON DELETE SET NULL,
    ADD COLUMN creator_hosts text[] COLLATE "C" NOT NULL DEFAULT '{}';   -- of the address, and of the page that it leads to
CREATE INDEX cards_creator ON cards (creator_id) WHERE creator_id IS NOT NULL;
