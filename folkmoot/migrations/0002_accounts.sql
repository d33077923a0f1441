-- Why: accounts, log-ins, sessions, OAuth, invitations, and the relations between accounts.
-- Locks: none that matter, all objects are new.
-- Kind: expand.

CREATE TABLE accounts (
    id bigint PRIMARY KEY,
    domain text COLLATE "C" NOT NULL DEFAULT '',              -- '' is this network
    username text COLLATE "C" NOT NULL CHECK (length(username) <= 64),
    username_key text COLLATE "C" NOT NULL,                   -- folded in Python
    uri text COLLATE "C",                                     -- federation identity; NULL for accounts of this network
    url text COLLATE "C",
    display_name text NOT NULL DEFAULT '' CHECK (length(display_name) <= 200),
    bio text NOT NULL DEFAULT '' CHECK (length(bio) <= 5000),
    bio_html text NOT NULL DEFAULT '',
    fields jsonb NOT NULL DEFAULT '[]',                       -- [{name, value, value_html, verified_at}]
    avatar_key text COLLATE "C",                              -- media.key, NULL: a pebble with initials
    header_key text COLLATE "C",
    avatar_description text NOT NULL DEFAULT '',
    header_description text NOT NULL DEFAULT '',
    is_locked boolean NOT NULL DEFAULT false,
    is_bot boolean NOT NULL DEFAULT false,
    is_discoverable boolean NOT NULL DEFAULT true,
    is_indexable boolean NOT NULL DEFAULT true,
    hides_collections boolean NOT NULL DEFAULT false,
    effect smallint NOT NULL DEFAULT 0,                       -- of restrictions: 0 none, 1 frozen, 2 limited, 3 suspended
    version integer NOT NULL DEFAULT 1,                       -- name, avatar, restriction: what a shown post depends on
    search tsvector NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    UNIQUE (username_key, domain)
);
CREATE UNIQUE INDEX accounts_uri ON accounts (uri) WHERE uri IS NOT NULL;
CREATE INDEX accounts_search ON accounts USING gin (search);
CREATE INDEX accounts_username_prefix ON accounts (username_key text_pattern_ops);

CREATE TABLE account_counts (
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    posts integer NOT NULL DEFAULT 0,
    followers integer NOT NULL DEFAULT 0,
    following integer NOT NULL DEFAULT 0,
    last_post_at timestamptz
);

CREATE TABLE logins (
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    email text NOT NULL CHECK (length(email) <= 254),
    email_key text COLLATE "C" NOT NULL UNIQUE,
    password_hash text NOT NULL,
    role text COLLATE "C" NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'juror', 'moderator', 'operator')),
    language text COLLATE "C" NOT NULL DEFAULT 'en',
    confirmed_at timestamptz,                                 -- of the e-mail address
    approved_at timestamptz,                                  -- NULL while a sign-up waits for approval
    disabled_at timestamptz,
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 1000),
    invitation_id bigint,
    settings jsonb NOT NULL DEFAULT '{}',                     -- appearance and defaults for posting: network/sessions/model.py
    seen_at timestamptz NOT NULL DEFAULT now(),               -- to the day; decides whether a home is kept warm
    created_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    id bigint NOT NULL UNIQUE,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    agent text NOT NULL DEFAULT '' CHECK (length(agent) <= 400),
    address text COLLATE "C" NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id, id DESC);

CREATE TABLE one_time_codes (
    code_hash bytea PRIMARY KEY,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('confirm_email', 'reset_password')),
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    email text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX one_time_codes_account ON one_time_codes (account_id);

CREATE TABLE invitations (
    id bigint PRIMARY KEY,
    code text COLLATE "C" NOT NULL UNIQUE,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    max_uses integer NOT NULL DEFAULT 1 CHECK (max_uses BETWEEN 1 AND 100),
    uses integer NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX invitations_account ON invitations (account_id, id DESC);

CREATE TABLE apps (
    id bigint PRIMARY KEY,
    client_id text COLLATE "C" NOT NULL UNIQUE,
    client_secret_hash bytea NOT NULL,
    name text NOT NULL CHECK (length(name) <= 200),
    website text NOT NULL DEFAULT '' CHECK (length(website) <= 2000),
    redirect_uris text[] NOT NULL,
    scopes text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE authorization_codes (
    code_hash bytea PRIMARY KEY,
    app_id bigint NOT NULL REFERENCES apps ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    redirect_uri text NOT NULL,
    scopes text COLLATE "C" NOT NULL,
    challenge text COLLATE "C" NOT NULL DEFAULT '',           -- PKCE S256, RFC 7636
    expires_at timestamptz NOT NULL
);

CREATE TABLE tokens (
    token_hash bytea PRIMARY KEY,
    id bigint NOT NULL UNIQUE,
    app_id bigint NOT NULL REFERENCES apps ON DELETE CASCADE,
    account_id bigint REFERENCES accounts ON DELETE CASCADE,  -- NULL: the app itself
    scopes text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX tokens_account ON tokens (account_id, id DESC);

-- Relations. The owner comes first in every key; follows are kept from both sides.
CREATE TABLE follows (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    target_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id bigint NOT NULL,
    shows_boosts boolean NOT NULL DEFAULT true,
    notifies boolean NOT NULL DEFAULT false,
    languages text[],
    is_pulled boolean NOT NULL DEFAULT false,                 -- the target has too many followers to push to
    PRIMARY KEY (account_id, target_id)
);
CREATE INDEX follows_newest ON follows (account_id, id DESC);
CREATE INDEX follows_pulled ON follows (account_id) WHERE is_pulled;

CREATE TABLE followers (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    follower_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id bigint NOT NULL,
    PRIMARY KEY (account_id, follower_id)
);
CREATE INDEX followers_newest ON followers (account_id, id DESC);

CREATE TABLE follow_requests (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,  -- who is asked
    requester_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id bigint NOT NULL,
    shows_boosts boolean NOT NULL DEFAULT true,
    notifies boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, requester_id)
);
CREATE INDEX follow_requests_newest ON follow_requests (account_id, id DESC);
CREATE INDEX follow_requests_requester ON follow_requests (requester_id);

CREATE TABLE mutes (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    target_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id bigint NOT NULL,
    hides_notifications boolean NOT NULL DEFAULT true,
    expires_at timestamptz,
    PRIMARY KEY (account_id, target_id)
);
CREATE INDEX mutes_newest ON mutes (account_id, id DESC);

CREATE TABLE blocks (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    target_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    id bigint NOT NULL,
    PRIMARY KEY (account_id, target_id)
);
CREATE INDEX blocks_newest ON blocks (account_id, id DESC);
CREATE INDEX blocks_target ON blocks (target_id);

CREATE TABLE account_notes (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    target_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    text text NOT NULL CHECK (length(text) <= 2000),
    PRIMARY KEY (account_id, target_id)
);

-- Counters are deltas, folded into account_counts and post_counts by a timed job. Which counter: network/counters.py.
CREATE TABLE counter_deltas (
    subject_id bigint NOT NULL,
    counter smallint NOT NULL,
    delta integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX counter_deltas_subject ON counter_deltas (subject_id);
