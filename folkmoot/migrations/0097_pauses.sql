-- Why: when new posts were not examined for longer than a minute, that is recorded: when, for how long and why. The public figures and
--      operators show it. Nothing recorded it before.
-- Locks: none on existing tables.
-- Kind: expand. The previous release records nothing: its time is a pause afterwards, if it ran in between.

CREATE TABLE detector_pauses (                                -- never changed after their end
    id bigint PRIMARY KEY,
    part text COLLATE "C" NOT NULL,                           -- moderation/detection/pauses.py: Part
    why text COLLATE "C" NOT NULL,                            -- the same: Why
    began_at timestamptz NOT NULL,
    ended_at timestamptz CHECK (ended_at >= began_at),        -- NULL: it lasts
    posts integer NOT NULL DEFAULT 0                          -- that were written meanwhile, and examined later or not at all
);
CREATE UNIQUE INDEX detector_pauses_open ON detector_pauses (part) WHERE ended_at IS NULL;
CREATE INDEX detector_pauses_began ON detector_pauses (began_at);

CREATE TABLE detector_beats (                                 -- when a worker last said that it runs
    part text COLLATE "C" PRIMARY KEY,
    since timestamptz NOT NULL,                               -- of the first one: before it, nothing is known
    seen_at timestamptz NOT NULL,
    is_on boolean NOT NULL                                    -- whether the settings name such a part
);
