-- Why: operators publish their own rules for posts. What the rules ask about earlier posts (same text, hosts named before) is
--      remembered as hashes and host names, so that it costs one look-up.
-- Locks: SHARE on signals and SHARE ROW EXCLUSIVE on posts until it ends, which takes as long as signals is read once; no table
--        is rewritten.
-- Kind: expand. The previous release knows no rules and remembers nothing; 0062 remembers what it published meanwhile.

CREATE TABLE rule_sets (
    version text COLLATE "C" PRIMARY KEY,     -- a date, or a date with .2 and so on
    body text NOT NULL,                       -- the rules as JSON: what is read
    source text NOT NULL,                     -- the file as the operator wrote it: what is edited for the next version
    published_at timestamptz NOT NULL
);

CREATE TABLE rule_switches (                  -- which version was in force from when: the newest row counts
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,   -- only staff see it
    version text COLLATE "C" NOT NULL,        -- of rule_sets, or a shipped one
    at timestamptz NOT NULL
);

CREATE TABLE post_traces (                    -- posts by their text, for 30 days; of removed posts as long as they are kept
    post_id bigint PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
    text_key bigint NOT NULL                  -- 64 bits of a hash of the plain words and the links
);
CREATE INDEX post_traces_text ON post_traces (text_key, post_id DESC);

CREATE TABLE seen_hosts (                     -- hosts that posts have named
    host text COLLATE "C" PRIMARY KEY,
    first_seen_at timestamptz NOT NULL
);

CREATE INDEX signals_of_rules ON signals (detector, created_at) WHERE detector LIKE 'rule %';

-- Nobody waits for a standby because of a trace: what a lost host still remembered is remembered again with the next posts.
-- The same holds for requests to a reader and for samples (0064), which are deleted with their posts. The function of 0050 with more names.
CREATE OR REPLACE FUNCTION choose_confirmed_tables() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ordinary CONSTANT text[] := ARRAY[
        'account_counts', 'account_notes', 'backup_runs', 'bookmarks', 'conversations', 'counter_deltas', 'deleted_posts',
        'ended_follows', 'events', 'exports', 'favourites', 'featured_hashtags', 'follow_requests', 'followers', 'follows', 'hashtags',
        'host_state', 'idempotency_keys', 'jobs', 'list_members', 'lists', 'markers', 'marks', 'media', 'media_files', 'mentions',
        'migrations', 'moves', 'muted_conversations', 'mutes', 'notifications', 'pgqueuer', 'pgqueuer_schedules', 'poll_votes', 'polls',
        'post_counts', 'post_edits', 'post_hashtags', 'post_traces', 'posts', 'pulled_authors', 'reader_requests', 'samples', 'seen_hosts',
        'signals', 'timed_jobs', 'weekly_activity'
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
