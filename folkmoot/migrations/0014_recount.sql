-- Why: numbers count only what everybody may see (decision 0045); until now direct and followers-only posts, hidden
--      posts and suspended accounts were in them too. Recounts all totals; changes no table.
-- Locks: account_counts and post_counts, SHARE ROW EXCLUSIVE until the end: counters are not folded meanwhile; pages read on,
--      and posts are written on. One walk over posts, favourites and follows: about a minute per ten million rows.
-- Kind: expand. What the previous release writes at the same moment is counted by its rule, until its next fold.

LOCK TABLE account_counts, post_counts IN SHARE ROW EXCLUSIVE MODE;

-- One statement, so that the deltas that are dropped are exactly those of the rows that are counted.
WITH dropped AS (
    DELETE FROM counter_deltas
), open_posts AS (  -- public or unlisted, not hidden, the author not suspended; of a boost, the boosted post too
    SELECT p.id, p.account_id, p.reply_to_id, p.boost_of_id, p.created_at
    FROM posts AS p JOIN accounts AS a ON a.id = p.account_id
    LEFT JOIN posts AS s ON s.id = p.boost_of_id LEFT JOIN accounts AS sa ON sa.id = s.account_id
    WHERE p.visibility <= 1 AND p.effect < 2 AND a.effect < 3
      AND (p.boost_of_id IS NULL OR s.visibility <= 1 AND s.effect < 2 AND sa.effect < 3)
), open_follows AS (
    SELECT f.account_id, f.target_id FROM follows AS f
    JOIN accounts AS a ON a.id = f.account_id JOIN accounts AS ta ON ta.id = f.target_id
    WHERE a.effect < 3 AND ta.effect < 3
), written AS (
    SELECT DISTINCT ON (account_id) account_id, count(*) OVER (PARTITION BY account_id) AS posts, created_at AS last_post_at
    FROM open_posts ORDER BY account_id, id DESC
), followed AS (
    SELECT target_id AS account_id, count(*) AS followers FROM open_follows GROUP BY 1
), following AS (
    SELECT account_id, count(*) AS following FROM open_follows GROUP BY 1
), of_accounts AS (
    INSERT INTO account_counts (account_id, posts, followers, following, last_post_at)
    SELECT a.id, coalesce(w.posts, 0), coalesce(fo.followers, 0), coalesce(fg.following, 0), w.last_post_at
    FROM accounts AS a LEFT JOIN written AS w ON w.account_id = a.id
    LEFT JOIN followed AS fo ON fo.account_id = a.id LEFT JOIN following AS fg ON fg.account_id = a.id
    ON CONFLICT (account_id) DO UPDATE SET posts = excluded.posts, followers = excluded.followers,
        following = excluded.following, last_post_at = excluded.last_post_at
), tallied AS (
    SELECT post_id, sum(replies) AS replies, sum(boosts) AS boosts, sum(favourites) AS favourites FROM (
        SELECT reply_to_id AS post_id, 1 AS replies, 0 AS boosts, 0 AS favourites FROM open_posts WHERE reply_to_id IS NOT NULL
        UNION ALL SELECT boost_of_id, 0, 1, 0 FROM open_posts WHERE boost_of_id IS NOT NULL
        UNION ALL SELECT f.post_id, 0, 0, 1 FROM favourites AS f JOIN accounts AS a ON a.id = f.account_id WHERE a.effect < 3
        UNION ALL SELECT post_id, 0, 0, 0 FROM post_counts  -- so that what counts nothing any more becomes 0
    ) AS each GROUP BY post_id
)
INSERT INTO post_counts (post_id, replies, boosts, favourites)
SELECT t.post_id, t.replies, t.boosts, t.favourites FROM tallied AS t JOIN posts ON posts.id = t.post_id
ON CONFLICT (post_id) DO UPDATE SET replies = excluded.replies, boosts = excluded.boosts, favourites = excluded.favourites;
