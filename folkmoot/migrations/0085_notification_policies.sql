-- Why: members choose whose notifications reach them: accepted, filtered into a request of their sender, or dropped.
-- Locks: SHARE ROW EXCLUSIVE on accounts and posts, for a moment: the new tables that refer to them are empty.
-- Kind: expand. The previous release filters nothing and does not see what is filtered.

CREATE TABLE notification_policies (                          -- no row: everything is accepted
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    -- Treatments, network/notifications/model.py: 0 accept, 1 filter, 2 drop.
    for_not_following smallint NOT NULL CHECK (for_not_following BETWEEN 0 AND 2),
    for_not_followers smallint NOT NULL CHECK (for_not_followers BETWEEN 0 AND 2),
    for_new_accounts smallint NOT NULL CHECK (for_new_accounts BETWEEN 0 AND 2),
    for_private_mentions smallint NOT NULL CHECK (for_private_mentions BETWEEN 0 AND 2),
    for_limited_accounts smallint NOT NULL CHECK (for_limited_accounts BETWEEN 0 AND 2),
    for_bots smallint NOT NULL CHECK (for_bots BETWEEN 0 AND 2)
);

CREATE TABLE notification_requests (                          -- one row per recipient and sender
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    sender_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id bigint NOT NULL,
    allowed_at timestamptz,                                   -- accepted: nothing of this sender is filtered any more
    PRIMARY KEY (account_id, sender_id),
    UNIQUE (account_id, id)
);
CREATE INDEX notification_requests_sender ON notification_requests (sender_id);

CREATE TABLE filtered_notifications (                         -- they move to `notifications` when the request is accepted
    account_id bigint NOT NULL,
    id bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    from_id bigint NOT NULL,
    post_id bigint REFERENCES posts ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT filtered_notifications_once UNIQUE NULLS NOT DISTINCT (account_id, from_id, kind, post_id),
    FOREIGN KEY (account_id, from_id) REFERENCES notification_requests ON DELETE CASCADE
);
CREATE INDEX filtered_notifications_post ON filtered_notifications (post_id) WHERE post_id IS NOT NULL;

-- The function of 0072 with more names, two of them of 0086: what is filtered or suggested is not worth waiting for a standby.
CREATE OR REPLACE FUNCTION choose_confirmed_tables() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ordinary CONSTANT text[] := ARRAY[
        'account_counts', 'account_notes', 'backup_runs', 'bookmarks', 'conversations', 'counter_deltas', 'deleted_posts',
        'dismissed_suggestions', 'ended_follows', 'endorsements', 'events', 'exports', 'favourites', 'featured_hashtags',
        'filtered_notifications', 'follow_requests', 'followers', 'follows', 'hashtags', 'host_state', 'idempotency_keys',
        'jobs', 'list_members', 'lists', 'markers', 'marks', 'media', 'media_files', 'mentions', 'migrations', 'moves',
        'muted_conversations', 'mutes', 'notification_requests', 'notifications', 'pgqueuer', 'pgqueuer_schedules', 'poll_votes',
        'polls', 'post_counts', 'post_edits', 'post_hashtags', 'post_traces', 'posts', 'pulled_authors', 'reader_requests',
        'rule_trial_posts', 'samples', 'seen_hosts', 'signals', 'timed_jobs', 'weekly_activity'
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
