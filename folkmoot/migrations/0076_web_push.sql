-- Why: apps and browsers are woken when a notification arrives (RFC 8030). A subscription belongs to one token or one session and
--      ends with it, whatever ends that: log-out, a new password, the end of the account.
-- Locks: SHARE ROW EXCLUSIVE on accounts, tokens and sessions for an instant, for the foreign keys of an empty table.
-- Kind: expand. The previous release sends nothing, and its deletions of tokens and sessions delete subscriptions too.

CREATE TABLE web_push_subscriptions (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    token_id bigint UNIQUE REFERENCES tokens (id) ON DELETE CASCADE,
    session_id bigint UNIQUE REFERENCES sessions (id) ON DELETE CASCADE,
    endpoint text COLLATE "C" NOT NULL CHECK (length(endpoint) <= 2000),
    public_key bytea NOT NULL CHECK (length(public_key) = 65),
    auth bytea NOT NULL CHECK (length(auth) = 16),
    is_standard boolean NOT NULL,                             -- RFC 8291, otherwise its draft
    alerts text[] COLLATE "C" NOT NULL,                       -- network/web_push/model.py
    policy text COLLATE "C" NOT NULL,
    sealed_token bytea,                                       -- apps expect their token in each message
    failing_since timestamptz,                                -- the push service has refused or failed since then
    created_at timestamptz NOT NULL,
    CHECK (num_nonnulls(token_id, session_id) = 1)
);
CREATE INDEX web_push_subscriptions_account ON web_push_subscriptions (account_id, id);
CREATE INDEX web_push_subscriptions_browser ON web_push_subscriptions USING hash (endpoint) WHERE session_id IS NOT NULL;
