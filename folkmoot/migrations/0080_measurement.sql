-- Why: moderation is measured: a daily random sample of what members saw, weighted by views, is labelled by people, and the figures of
--      each month are stored, so that a published figure does not change when accounts, posts or cases do.
-- Locks: none, all objects are new.
-- Kind: expand. The previous release counts no views and draws no such samples.

CREATE UNLOGGED TABLE impressions (                           -- how often posts were delivered to members; kept for two days
    day date NOT NULL,                                        -- UTC
    post_id bigint NOT NULL,
    views integer NOT NULL,
    PRIMARY KEY (day, post_id)
);

CREATE TABLE sample_days (
    day date PRIMARY KEY,                                     -- UTC; the views of this day were drawn from
    drawn_at timestamptz NOT NULL,
    views bigint NOT NULL,                                    -- of posts that could be drawn
    lost_views bigint NOT NULL,                               -- of posts that were deleted, or closed to others, before the draw
    detector text COLLATE "C" NOT NULL                        -- the version that scored them; empty if nothing was drawn
);

CREATE TABLE sample_strata (                                  -- the first phase: how the drawn views divide
    day date NOT NULL REFERENCES sample_days,
    stratum smallint NOT NULL,                                -- moderation/measurement/model.py
    draws integer NOT NULL,
    PRIMARY KEY (day, stratum)
);

CREATE TABLE sample_items (                                   -- the second phase: the posts that people label
    id bigint PRIMARY KEY,
    day date NOT NULL REFERENCES sample_days,
    post_id bigint NOT NULL,                                  -- no foreign key: a label outlives its post
    edited_at timestamptz,                                    -- the version of its text
    stratum smallint NOT NULL,
    draws integer NOT NULL,                                   -- how many of the drawn views were of this post
    score real NOT NULL,                                      -- of the detector, when it was drawn
    is_queued boolean NOT NULL,                               -- the detector would give it a case
    clauses text[] COLLATE "C",                               -- the answer: keys of the broken clauses, empty for none; NULL: no answer
    labelled_by text COLLATE "C",                             -- a moderator or a jury; the journal knows who
    labelled_at timestamptz,                                  -- with clauses NULL: it cannot be said
    UNIQUE (day, post_id)
);
CREATE INDEX sample_items_waiting ON sample_items (day, id) WHERE labelled_at IS NULL;
CREATE INDEX sample_items_post ON sample_items (post_id);

CREATE TABLE measurements (
    unit text COLLATE "C" NOT NULL CHECK (unit IN ('day', 'month')),
    starts_on date NOT NULL,                                  -- UTC
    revision smallint NOT NULL,                               -- 1; each correction of a published period is a further one
    computed_at timestamptz NOT NULL,
    is_final boolean NOT NULL DEFAULT false,                  -- published: nothing of this revision changes any more
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 2000),   -- of a correction
    PRIMARY KEY (unit, starts_on, revision)
);

CREATE TABLE measured_figures (
    unit text COLLATE "C" NOT NULL,
    starts_on date NOT NULL,
    revision smallint NOT NULL,
    name text COLLATE "C" NOT NULL,                           -- moderation/measurement/model.py
    scope text COLLATE "C" NOT NULL,                          -- key of a clause, a lane or a language; empty: everything
    value double precision NOT NULL,
    low double precision,                                     -- the ends of the 95 % interval; NULL for a mere count
    high double precision,
    size bigint NOT NULL,                                     -- observations: labels, cases, appeals, answers, pairs
    PRIMARY KEY (unit, starts_on, revision, name, scope),
    FOREIGN KEY (unit, starts_on, revision) REFERENCES measurements
);

CREATE FUNCTION keep_final_figures() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one record := CASE TG_OP WHEN 'INSERT' THEN NEW ELSE OLD END;
BEGIN
    IF EXISTS (SELECT FROM measurements AS m
               WHERE m.unit = one.unit AND m.starts_on = one.starts_on AND m.revision = one.revision AND m.is_final) THEN
        RAISE EXCEPTION 'published figures do not change; a correction is a new revision';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER final_figures_are_kept BEFORE INSERT OR UPDATE OR DELETE ON measured_figures FOR EACH ROW EXECUTE FUNCTION keep_final_figures();
CREATE TRIGGER final_measurements_are_kept BEFORE UPDATE OR DELETE ON measurements FOR EACH ROW EXECUTE FUNCTION keep_final_figures();
