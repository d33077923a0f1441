-- Why: members block whole networks, recommend accounts on their profiles, and dismiss accounts that are suggested to them.
-- Locks: SHARE ROW EXCLUSIVE on accounts and follows, for a moment: the new tables that refer to them are empty.
-- Kind: expand. The previous release shows the posts of blocked networks.

CREATE TABLE domain_blocks (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    domain text COLLATE "C" NOT NULL CHECK (domain <> '' AND length(domain) <= 259),   -- in ASCII, as in accounts
    id bigint NOT NULL,
    PRIMARY KEY (account_id, domain),
    UNIQUE (account_id, id)
);

CREATE TABLE endorsements (                                   -- ends with the follow
    account_id bigint NOT NULL,
    target_id bigint NOT NULL,
    id bigint NOT NULL,
    PRIMARY KEY (account_id, target_id),
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, target_id) REFERENCES follows ON DELETE CASCADE
);

CREATE TABLE dismissed_suggestions (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    target_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    PRIMARY KEY (account_id, target_id)
);
CREATE INDEX dismissed_suggestions_target ON dismissed_suggestions (target_id);
