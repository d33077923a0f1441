-- Why: with replication.synchronous = chosen, transactions that write accounts, log-in secrets, direct messages or anything of
--      moderation wait until the standby has them (decision 0077). The tables say so, not the code that writes them, so no
--      entry point can forget it.
-- Locks: posts and each logged table that is chosen, SHARE ROW EXCLUSIVE, for a moment.
-- Kind: expand.

-- The server waits for the standby with the values on and remote_apply. `local` is its default where only chosen writes wait;
-- `off` is what a page that is read writes by the way.
CREATE FUNCTION commit_with_standby() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'local' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    RETURN NULL;
END
$$;

-- Chooses every logged table that is not listed as ordinary, so that a new one is chosen until somebody decides otherwise.
-- Called after each run of migrations. Changes nothing that is right already.
CREATE FUNCTION choose_confirmed_tables() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- What public posts, reading and background work write: if the last second of it is lost with a host, people can repeat it.
    ordinary CONSTANT text[] := ARRAY[
        'account_counts', 'account_notes', 'backup_runs', 'bookmarks', 'conversations', 'counter_deltas', 'deleted_posts',
        'ended_follows', 'events', 'exports', 'favourites', 'featured_hashtags', 'follow_requests', 'followers', 'follows', 'hashtags',
        'host_state', 'idempotency_keys', 'jobs', 'list_members', 'lists', 'markers', 'marks', 'media', 'media_files', 'mentions',
        'migrations', 'moves', 'muted_conversations', 'mutes', 'notifications', 'pgqueuer', 'pgqueuer_schedules', 'poll_votes', 'polls',
        'post_counts', 'post_edits', 'post_hashtags', 'posts', 'pulled_authors', 'signals', 'timed_jobs', 'weekly_activity'
    ];
    one record;
BEGIN
    FOR one IN
        SELECT c.oid::regclass AS name, c.relname = ANY (ordinary) AS is_ordinary, EXISTS (
            SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND t.tgname = 'b_standby_confirms') AS has_trigger
        FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
    LOOP
        IF NOT one.is_ordinary AND NOT one.has_trigger THEN
            EXECUTE format(
                'CREATE TRIGGER b_standby_confirms AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT'
                ' EXECUTE FUNCTION commit_with_standby()', one.name);
        ELSIF one.is_ordinary AND one.has_trigger THEN
            EXECUTE format('DROP TRIGGER b_standby_confirms ON %s', one.name);
        END IF;
    END LOOP;
END
$$;

SELECT choose_confirmed_tables();

-- Direct messages are posts of this visibility (`Visibility.DIRECT`).
CREATE TRIGGER b_standby_confirms_direct AFTER INSERT OR UPDATE ON posts FOR EACH ROW WHEN (NEW.visibility = 3)
    EXECUTE FUNCTION commit_with_standby();
CREATE TRIGGER b_standby_confirms_direct_deletion AFTER DELETE ON posts FOR EACH ROW WHEN (OLD.visibility = 3)
    EXECUTE FUNCTION commit_with_standby();
