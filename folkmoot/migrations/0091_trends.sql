-- Why: what many people talk about at once is shown: hashtags, links and posts. Counted anew every few minutes from the newest public
--      posts, so nothing here is a record of its own, except what moderators hold back.
-- Locks: SHARE ROW EXCLUSIVE on accounts for an instant, for the foreign key of an empty table.
-- Kind: expand. The previous release counts nothing and shows nothing of this.

CREATE TABLE trend_days (
    kind smallint NOT NULL,                                   -- network/trends/model.py: Kind
    subject text COLLATE "C" NOT NULL CHECK (length(subject) <= 2000),   -- the key of a hashtag, the address of a card
    day date NOT NULL,                                        -- in UTC
    accounts integer NOT NULL,                                -- how many have used it
    uses integer NOT NULL,
    PRIMARY KEY (kind, subject, day)
);
CREATE INDEX trend_days_day ON trend_days (day);

CREATE TABLE trends (                                         -- what is shown until the next count
    kind smallint NOT NULL,
    subject text COLLATE "C" NOT NULL CHECK (length(subject) <= 2000),   -- or the id of a post
    score double precision NOT NULL,
    PRIMARY KEY (kind, subject)
);

CREATE TABLE trend_refusals (                                 -- never shown, whatever is counted
    kind smallint NOT NULL,
    subject text COLLATE "C" NOT NULL CHECK (length(subject) <= 2000),
    refused_by bigint REFERENCES accounts ON DELETE SET NULL,
    refused_at timestamptz NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX trend_refusals_by ON trend_refusals (refused_by) WHERE refused_by IS NOT NULL;

-- choose_confirmed_tables() with two more names: nobody waits for a standby because of what is counted again in a few minutes.
DO $$
BEGIN
    EXECUTE replace(pg_get_functiondef('choose_confirmed_tables()'::regprocedure), '''timed_jobs'',', '''timed_jobs'', ''trend_days'', ''trends'',');
END
$$;
