-- Why: how much was going on in each week, for the public description of the network. It is recorded as time passes, because
--      of a member only the last visit is kept, and deleted posts are gone.
-- Locks: none that matter, the table is new.
-- Kind: expand.

CREATE TABLE weekly_activity (
    week date PRIMARY KEY,                                    -- its Monday, UTC
    posts integer NOT NULL,                                   -- of this network, without boosts
    members integer NOT NULL,                                 -- who were here
    sign_ups integer NOT NULL
);
