-- Why: a row that is removed from the journal before it is sealed must be missed; the sealer says in what state it is.
-- Locks: ACCESS EXCLUSIVE on journal while it is read once for the index, which stays empty; no table is rewritten.
-- Kind: expand.

-- Each row gets the next number of a lane. Numbers are given inside the transaction, so a rolled-back one or a crash leaves no
-- gap: a missing number is a removed row. A transaction takes the first lane that nobody uses, so writers never wait for each
-- other (decision 0046). Rows from before have no lane.
CREATE TABLE journal_lanes (
    lane smallint PRIMARY KEY,
    last bigint NOT NULL                                      -- number of the newest row
);
ALTER TABLE journal ADD COLUMN lane smallint;
ALTER TABLE journal ADD COLUMN number bigint;
CREATE UNIQUE INDEX journal_lane ON journal (lane, number) WHERE lane IS NOT NULL;

CREATE FUNCTION number_journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free integer := 0;
BEGIN
    WHILE NOT pg_try_advisory_xact_lock(7024, free) LOOP
        free := free + 1;
    END LOOP;
    INSERT INTO journal_lanes (lane, last) VALUES (free, 1)
        ON CONFLICT (lane) DO UPDATE SET last = journal_lanes.last + 1
        RETURNING lane, last INTO NEW.lane, NEW.number;
    RETURN NEW;
END
$$;
CREATE TRIGGER journal_is_numbered BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION number_journal();

CREATE OR REPLACE FUNCTION keep_journal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND NEW.position IS NOT NULL
        AND ROW (NEW.id, NEW.at, NEW.kind, NEW.case_id, NEW.actor_id, NEW.facts, NEW.lane, NEW.number)
            IS NOT DISTINCT FROM ROW (OLD.id, OLD.at, OLD.kind, OLD.case_id, OLD.actor_id, OLD.facts, OLD.lane, OLD.number) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the journal is only added to';
END
$$;

CREATE TABLE journal_sealer (                                 -- one row: in what state the sealer is
    id smallint PRIMARY KEY CHECK (id = 1),
    state text COLLATE "C" NOT NULL,                          -- moderation/journal/model.py names them
    since timestamptz NOT NULL
);
CREATE TABLE journal_keepers (                                -- hosts that keep the signed end in a file, so that a missing one is missed
    name text COLLATE "C" PRIMARY KEY                         -- machine, folder and epoch
);
