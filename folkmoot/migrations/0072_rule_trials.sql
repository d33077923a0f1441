-- Why: a new set of rules can run beside the rules in force for some days, without any effect, so that an operator sees what it
--      meets before it covers, limits or holds anything.
-- Locks: SHARE ROW EXCLUSIVE on posts, for a moment: the foreign key.
-- Kind: expand. The previous release runs no trials.

CREATE TABLE rule_trials (                    -- the newest row counts; rows are only added
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,   -- only staff see it
    version text COLLATE "C" NOT NULL,        -- of rule_sets
    started_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL              -- a trial that is ended early gets a second row
);

CREATE TABLE rule_trial_posts (               -- posts that a rule on trial has met; 90 days after its end they are deleted
    version text COLLATE "C" NOT NULL,
    rule text COLLATE "C" NOT NULL,
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    met_at timestamptz NOT NULL,
    PRIMARY KEY (post_id, version, rule)
);
CREATE INDEX rule_trial_posts_rule ON rule_trial_posts (version, rule);

-- The function of 0061 with one more name: nobody waits for a standby because of what a trial has met.
CREATE OR REPLACE FUNCTION choose_confirmed_tables() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ordinary CONSTANT text[] := ARRAY[
        'account_counts', 'account_notes', 'backup_runs', 'bookmarks', 'conversations', 'counter_deltas', 'deleted_posts',
        'ended_follows', 'events', 'exports', 'favourites', 'featured_hashtags', 'follow_requests', 'followers', 'follows', 'hashtags',
        'host_state', 'idempotency_keys', 'jobs', 'list_members', 'lists', 'markers', 'marks', 'media', 'media_files', 'mentions',
        'migrations', 'moves', 'muted_conversations', 'mutes', 'notifications', 'pgqueuer', 'pgqueuer_schedules', 'poll_votes', 'polls',
        'post_counts', 'post_edits', 'post_hashtags', 'post_traces', 'posts', 'pulled_authors', 'reader_requests', 'rule_trial_posts',
        'samples', 'seen_hosts', 'signals', 'timed_jobs', 'weekly_activity'
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
