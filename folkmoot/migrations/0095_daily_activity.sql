-- Why: moderators see how much was going on on each day. It is recorded as time passes, because of a member only the last visit is kept,
--      and deleted posts and favourites are gone.
-- Locks: none that matter, the table is new.
-- Kind: expand.

CREATE TABLE daily_activity (
    day date PRIMARY KEY,                                     -- UTC
    -- Members who were here on this day, and in the 7 and 30 days that end with it; NULL: nobody counted on that day.
    members integer,
    members_of_week integer,
    members_of_month integer,
    interactions integer NOT NULL                             -- favourites, boosts and replies by members
);
