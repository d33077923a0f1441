-- Why: monthly figures that were published stay as they were, byte for byte, and so do the notes of the operator about a month. What
--      went wrong with the journal itself is found by day.
-- Locks: SHARE on journal while the index is built: it reads the table once, about a second for a million rows.
-- Kind: expand.

CREATE TABLE transparency_months (
    month date PRIMARY KEY,                                   -- its first day
    content bytea NOT NULL,                                   -- JSON, as everybody gets it
    sha256 bytea NOT NULL,
    published_at timestamptz NOT NULL,
    CHECK (extract(day FROM month) = 1)
);
CREATE TABLE transparency_notes (
    id bigint PRIMARY KEY,
    month date NOT NULL,
    language text COLLATE "C" NOT NULL,
    text text CHECK (length(text) <= 5000),                   -- NULL: withdrawn
    written_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    CHECK (extract(day FROM month) = 1),
    CHECK ((text IS NULL) = (withdrawn_at IS NOT NULL))
);

CREATE FUNCTION keep_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was published stays';
END
$$;
CREATE TRIGGER transparency_months_are_kept BEFORE UPDATE OR DELETE ON transparency_months
    FOR EACH ROW EXECUTE FUNCTION keep_published();
CREATE TRIGGER transparency_months_are_not_emptied BEFORE TRUNCATE ON transparency_months
    FOR EACH STATEMENT EXECUTE FUNCTION keep_published();

CREATE FUNCTION keep_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL AND NEW.text IS NULL
        AND ROW (NEW.id, NEW.month, NEW.language, NEW.written_at) IS NOT DISTINCT FROM ROW (OLD.id, OLD.month, OLD.language, OLD.written_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a note can only be withdrawn';
END
$$;
CREATE TRIGGER transparency_notes_are_kept BEFORE UPDATE OR DELETE ON transparency_notes FOR EACH ROW EXECUTE FUNCTION keep_note();
CREATE TRIGGER transparency_notes_are_not_emptied BEFORE TRUNCATE ON transparency_notes
    FOR EACH STATEMENT EXECUTE FUNCTION keep_published();

CREATE INDEX journal_incidents ON journal (at) WHERE kind IN ('journal.damage_accepted', 'journal.end_adopted');
