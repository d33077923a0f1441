-- Why: posts with their pictures, polls and edits, what people do with them, timelines, notifications, messages.
-- Locks: none that matter, all objects are new.
-- Kind: expand.

CREATE TABLE media_files (                                    -- one row per file on disk, named by its hash
    sha256 bytea PRIMARY KEY,
    extension text COLLATE "C" NOT NULL,
    bytes integer NOT NULL,
    reference_count integer NOT NULL CHECK (reference_count >= 0)
);

CREATE TABLE media (
    id bigint PRIMARY KEY,
    key text COLLATE "C" NOT NULL UNIQUE,                     -- random; what stands in URLs
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    post_id bigint,                                           -- NULL until attached; avatars and headers stay NULL
    purpose text COLLATE "C" NOT NULL DEFAULT 'attachment' CHECK (purpose IN ('attachment', 'avatar', 'header')),
    position smallint NOT NULL DEFAULT 0,
    kind text COLLATE "C" NOT NULL DEFAULT 'image',
    mime text COLLATE "C" NOT NULL,
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 1500),
    focus_x real NOT NULL DEFAULT 0 CHECK (focus_x BETWEEN -1 AND 1),
    focus_y real NOT NULL DEFAULT 0 CHECK (focus_y BETWEEN -1 AND 1),
    blurhash text COLLATE "C" NOT NULL DEFAULT '',
    width integer NOT NULL,
    height integer NOT NULL,
    preview_width integer NOT NULL,
    preview_height integer NOT NULL,
    original_sha256 bytea NOT NULL REFERENCES media_files,
    preview_sha256 bytea NOT NULL REFERENCES media_files,
    created_at timestamptz NOT NULL
);
CREATE INDEX media_post ON media (post_id, position) WHERE post_id IS NOT NULL;
CREATE INDEX media_unattached ON media (created_at) WHERE post_id IS NULL AND purpose = 'attachment';
CREATE INDEX media_account ON media (account_id);

CREATE TABLE posts (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    domain text COLLATE "C" NOT NULL DEFAULT '',
    uri text COLLATE "C",
    visibility smallint NOT NULL CHECK (visibility BETWEEN 0 AND 3),  -- 0 public, 1 unlisted, 2 followers, 3 direct
    boost_of_id bigint,                                       -- set: this row is a boost and has no text of its own
    boost_of_account_id bigint,
    reply_to_id bigint,
    reply_to_account_id bigint,
    conversation_id bigint NOT NULL,                          -- id of the first post of the thread
    text text NOT NULL DEFAULT '' CHECK (length(text) <= 50000),
    html text NOT NULL DEFAULT '',
    cover text NOT NULL DEFAULT '' CHECK (length(cover) <= 5000),     -- content warning
    is_sensitive boolean NOT NULL DEFAULT false,
    language text COLLATE "C",
    mentions jsonb NOT NULL DEFAULT '[]',                     -- [[account id, username, domain]], as shown in html
    hashtags text[] NOT NULL DEFAULT '{}',                    -- folded keys; as written: in html
    media_count smallint NOT NULL DEFAULT 0,
    poll_id bigint,
    app_id bigint,
    effect smallint NOT NULL DEFAULT 0,                       -- of restrictions: 0 none, 1 label, 2 hidden
    version integer NOT NULL DEFAULT 1,                       -- edit, restriction, poll tally, preview card
    search tsvector,                                          -- NULL for what may not be searched (boosts, direct)
    created_at timestamptz NOT NULL,
    edited_at timestamptz
);
CREATE UNIQUE INDEX posts_uri ON posts (uri) WHERE uri IS NOT NULL;
CREATE INDEX posts_account ON posts (account_id, id DESC);
CREATE INDEX posts_conversation ON posts (conversation_id, id);
CREATE INDEX posts_reply_to ON posts (reply_to_id, id) WHERE reply_to_id IS NOT NULL;
CREATE UNIQUE INDEX posts_boost ON posts (boost_of_id, account_id) WHERE boost_of_id IS NOT NULL;
CREATE INDEX posts_public ON posts (id DESC) WHERE visibility = 0 AND boost_of_id IS NULL AND reply_to_id IS NULL;
CREATE INDEX posts_search ON posts USING gin (search) WHERE search IS NOT NULL;

CREATE TABLE post_counts (                                    -- absent until the first
    post_id bigint PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
    replies integer NOT NULL DEFAULT 0,
    boosts integer NOT NULL DEFAULT 0,
    favourites integer NOT NULL DEFAULT 0
);

CREATE TABLE mentions (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    PRIMARY KEY (account_id, post_id)
);
CREATE INDEX mentions_post ON mentions (post_id);

CREATE TABLE hashtags (
    key text COLLATE "C" PRIMARY KEY,                         -- folded
    name text NOT NULL,                                       -- as first written
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX hashtags_prefix ON hashtags (key text_pattern_ops);
CREATE TABLE post_hashtags (
    key text COLLATE "C" NOT NULL,
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    PRIMARY KEY (key, post_id)
);
CREATE INDEX post_hashtags_post ON post_hashtags (post_id);

CREATE TABLE post_edits (                                     -- earlier versions and the present one, once a post was edited
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    version integer NOT NULL,
    text text NOT NULL,
    html text NOT NULL,
    cover text NOT NULL,
    is_sensitive boolean NOT NULL,
    media jsonb NOT NULL DEFAULT '[]',                        -- [{id, description}]
    poll_titles text[],
    created_at timestamptz NOT NULL,
    PRIMARY KEY (post_id, version)
);

CREATE TABLE polls (
    id bigint PRIMARY KEY,
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    account_id bigint NOT NULL,
    titles text[] NOT NULL,
    votes integer[] NOT NULL,
    voters integer NOT NULL DEFAULT 0,
    is_multiple boolean NOT NULL DEFAULT false,
    hides_totals boolean NOT NULL DEFAULT false,
    expires_at timestamptz,
    closed_at timestamptz                                     -- when everybody was told of the result
);
CREATE INDEX polls_post ON polls (post_id);
CREATE INDEX polls_open ON polls (expires_at) WHERE closed_at IS NULL;
CREATE TABLE poll_votes (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    poll_id bigint NOT NULL REFERENCES polls ON DELETE CASCADE,
    choices smallint[] NOT NULL,
    PRIMARY KEY (account_id, poll_id)
);
CREATE INDEX poll_votes_poll ON poll_votes (poll_id);

-- What a viewer did with a post, in one row, so that a page asks once: 1 favourite, 2 boost, 4 bookmark, 8 muted
-- conversation (on its first post), 16 pinned, 32 voted. network/posts/model.py names the bits.
CREATE TABLE marks (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    bits smallint NOT NULL,
    choices smallint[],                                       -- of the poll, when voted
    PRIMARY KEY (account_id, post_id)
);
CREATE INDEX marks_post ON marks (post_id);
CREATE TABLE favourites (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id bigint NOT NULL,
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, post_id)
);
CREATE INDEX favourites_post ON favourites (post_id, id DESC);
CREATE TABLE bookmarks (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id bigint NOT NULL,
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, post_id)
);
CREATE INDEX bookmarks_post ON bookmarks (post_id);

CREATE TABLE idempotency_keys (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL CHECK (length(key) <= 200),
    post_id bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, key)
);

-- Home timelines: a cache that can be rebuilt from follows and posts, so it burdens neither standby nor backup.
CREATE UNLOGGED TABLE homes (                                 -- whose home is built
    account_id bigint PRIMARY KEY,
    built_at timestamptz                                      -- NULL while it is being built
);
CREATE UNLOGGED TABLE home_entries (
    account_id bigint NOT NULL,
    post_id bigint NOT NULL,
    author_id bigint NOT NULL,
    origin_id bigint NOT NULL,                                -- the author; of a boost, who wrote the boosted post
    PRIMARY KEY (account_id, post_id)
);

CREATE TABLE notifications (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,                           -- network/notifications/model.py
    from_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    post_id bigint REFERENCES posts ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, id),
    UNIQUE NULLS NOT DISTINCT (account_id, kind, from_id, post_id)
);
CREATE INDEX notifications_post ON notifications (post_id) WHERE post_id IS NOT NULL;

CREATE TABLE markers (                                        -- how far somebody has read
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    timeline text COLLATE "C" NOT NULL CHECK (timeline IN ('home', 'notifications')),
    last_read_id bigint NOT NULL,
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, timeline)
);

CREATE TABLE conversations (                                  -- one row per participant: direct posts, by thread
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    conversation_id bigint NOT NULL,
    last_post_id bigint NOT NULL,
    participant_ids bigint[] NOT NULL,
    is_unread boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, conversation_id)
);
CREATE INDEX conversations_newest ON conversations (account_id, last_post_id DESC);
CREATE INDEX conversations_last_post ON conversations (last_post_id);
