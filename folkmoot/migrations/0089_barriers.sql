-- Why: operators keep strangers out by mail provider, by address and by IP network.
-- Locks: none on tables in use: the new tables refer to each other only.
-- Kind: expand. The previous release lets everybody in.

CREATE TABLE email_domain_blocks (                            -- also all names below the domain
    id bigint PRIMARY KEY,
    domain text COLLATE "C" NOT NULL UNIQUE CHECK (domain <> '' AND length(domain) <= 253),   -- in ASCII
    created_at timestamptz NOT NULL
);

CREATE TABLE email_domain_refusals (                          -- sign-ups that were refused because of it, for the last days
    block_id bigint NOT NULL REFERENCES email_domain_blocks ON DELETE CASCADE,
    day date NOT NULL,                                        -- UTC
    attempts integer NOT NULL,
    PRIMARY KEY (block_id, day)
);

CREATE TABLE email_blocks (                                   -- of people, without their addresses
    id bigint PRIMARY KEY,
    email_hash bytea NOT NULL UNIQUE CHECK (length(email_hash) = 32),   -- SHA-256: network/barriers/model.py
    created_at timestamptz NOT NULL
);

CREATE TABLE network_blocks (
    id bigint PRIMARY KEY,
    network cidr NOT NULL UNIQUE,
    severity text COLLATE "C" NOT NULL,                       -- network/barriers/model.py: Severity
    comment text NOT NULL DEFAULT '' CHECK (length(comment) <= 200),
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);
