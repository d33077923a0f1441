-- Why: what a linked page says about itself is shown under a post. Each address is fetched at most once a day, whatever the number of
--      posts with it; what could not be fetched is remembered too.
-- Locks: ACCESS EXCLUSIVE on media for an instant (a constraint that is not checked at once); SHARE ROW EXCLUSIVE on posts and media
--      for an instant, for the foreign keys of empty tables.
-- Kind: expand. The previous release shows posts without cards. It makes no picture of a card, and does not serve one.

ALTER TABLE media DROP CONSTRAINT media_purpose_check,
    ADD CONSTRAINT media_purpose_check CHECK (purpose IN ('attachment', 'avatar', 'header', 'card')) NOT VALID;

CREATE TABLE cards (                                          -- one row per address
    id bigint PRIMARY KEY,
    url text COLLATE "C" NOT NULL UNIQUE CHECK (length(url) <= 2000),
    fetched_at timestamptz,                                   -- when the last fetch began; NULL: never fetched
    is_found boolean NOT NULL DEFAULT false,                  -- the page could be read and has a title
    title text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    author_name text NOT NULL DEFAULT '',
    author_url text NOT NULL DEFAULT '',
    provider_name text NOT NULL DEFAULT '',
    published_at timestamptz,
    language text COLLATE "C",
    picture_id bigint REFERENCES media ON DELETE SET NULL     -- our own small copy
);
CREATE INDEX cards_picture ON cards (picture_id) WHERE picture_id IS NOT NULL;

CREATE TABLE post_cards (                                     -- the first address in a post that everybody may see
    post_id bigint PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
    card_id bigint NOT NULL REFERENCES cards ON DELETE CASCADE
);
CREATE INDEX post_cards_card ON post_cards (card_id, post_id);

-- choose_confirmed_tables() with two more names: nobody waits for a standby because of a card.
DO $$
BEGIN
    EXECUTE replace(replace(pg_get_functiondef('choose_confirmed_tables()'::regprocedure), '''backup_runs'',', '''backup_runs'', ''cards'','),
        '''post_counts'',', '''post_cards'', ''post_counts'',');
END
$$;
