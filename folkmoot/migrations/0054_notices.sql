-- Why: formal notices from outside (DSA Art. 16), with a deadline each, and the register of senders that are verified.
-- Locks: none of note: only new tables.
-- Kind: expand.

CREATE TABLE contacts (                                       -- hosting providers, authorities, trusted flaggers
    id bigint PRIMARY KEY,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('provider', 'authority', 'trusted_flagger')),
    name text COLLATE "C" NOT NULL,
    senders text[] NOT NULL DEFAULT '{}',                     -- mail domains, and complete addresses
    key bytea,                                                -- Ed25519 public key, for the API
    registered_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX contacts_key ON contacts (key) WHERE ended_at IS NULL;

CREATE TABLE notices (
    id bigint PRIMARY KEY,
    number text COLLATE "C" NOT NULL UNIQUE,                  -- of the receipt
    state text COLLATE "C" NOT NULL,                          -- moderation/notices/model.py declares the steps
    door text COLLATE "C" NOT NULL CHECK (door IN ('form', 'mail', 'api')),
    urgency text COLLATE "C" NOT NULL CHECK (urgency IN ('order', 'contact', 'other')),
    contact_id bigint REFERENCES contacts,                    -- set once the sender is verified
    reference text COLLATE "C",                               -- the sender's own
    name text COLLATE "C" NOT NULL DEFAULT '',
    email text COLLATE "C" NOT NULL DEFAULT '',
    language text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,                         -- why it is illegal, in the sender's words
    clause text COLLATE "C" NOT NULL,                         -- suspected
    places jsonb NOT NULL,                                    -- the addresses as given, and what was found there
    received_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    confirmed_at timestamptz,                                 -- when the sender confirmed the address, or signed
    answered_at timestamptz,
    answer text COLLATE "C" NOT NULL DEFAULT '',              -- words of a person, for a notice without a case
    noted_share smallint NOT NULL DEFAULT 0,                  -- of the time to answer: 50, 80 or 100 percent were noted
    mail_key bytea UNIQUE,                                    -- SHA-256 of the mail, so that one is received once
    reply_to text COLLATE "C" NOT NULL DEFAULT ''             -- Message-ID of the mail
);
CREATE UNIQUE INDEX notices_reference ON notices (contact_id, reference) WHERE reference IS NOT NULL;
CREATE INDEX notices_waiting ON notices (due_at, id) WHERE state <> 'answered';
CREATE INDEX notices_answered ON notices (answered_at) WHERE state = 'answered' AND (email <> '' OR name <> '');

CREATE TABLE notice_cases (
    notice_id bigint NOT NULL REFERENCES notices,
    case_id bigint NOT NULL REFERENCES cases,
    told_verdict_id bigint,                                   -- the verdict that the sender was told of last
    PRIMARY KEY (notice_id, case_id)
);
CREATE INDEX notice_cases_case ON notice_cases (case_id);

CREATE TABLE notice_mailboxes (                               -- how far each mailbox was read
    name text COLLATE "C" PRIMARY KEY,                        -- user, host and folder
    validity bigint NOT NULL,                                 -- UIDVALIDITY (RFC 9051 2.3.1.1)
    last_uid bigint NOT NULL,
    read_at timestamptz NOT NULL
);
