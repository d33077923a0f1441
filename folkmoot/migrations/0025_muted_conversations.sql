-- Why: a muted conversation was a mark on its first post, and spoke again when that post was deleted. A mute is now a row of its
--      own. The mark on the first post stays as the flag that timelines show; a trigger keeps both the same while the previous
--      release, which knows the mark only, runs. A later migration drops the trigger.
-- Locks: SHARE ROW EXCLUSIVE on accounts and marks for an instant; no table is rewritten.
-- Kind: expand.

CREATE TABLE muted_conversations (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    conversation_id bigint NOT NULL,                          -- outlives the first post, after which it is named
    PRIMARY KEY (account_id, conversation_id)
);
CREATE INDEX muted_conversations_conversation ON muted_conversations (conversation_id);

CREATE FUNCTION store_muted_conversation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.bits & 8 > 0 THEN
        INSERT INTO muted_conversations (account_id, conversation_id) VALUES (NEW.account_id, NEW.post_id) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM muted_conversations WHERE account_id = NEW.account_id AND conversation_id = NEW.post_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER marks_store_new_mute AFTER INSERT ON marks
    FOR EACH ROW WHEN (NEW.bits & 8 > 0) EXECUTE FUNCTION store_muted_conversation();
CREATE TRIGGER marks_store_mute AFTER UPDATE OF bits ON marks
    FOR EACH ROW WHEN (NEW.bits & 8 <> OLD.bits & 8) EXECUTE FUNCTION store_muted_conversation();
