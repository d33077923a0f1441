"""Fills an empty network by SQL in bulk: accounts, follows, posts, favourites, notifications and warm homes of any number.

A post takes its text from 20,000 different ones, whose words are as unevenly frequent as those of a language. Few accounts write and are
followed much, most little. One post in ten is a boost, three are replies. Foreign keys are not checked while the rows are written, and
indexes are built afterwards.
"""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from benchmarks.harness import database_of
from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.formatting import render
from folkmoot.base.ids import FIRST_MOMENT
from folkmoot.base.text import search_words
from folkmoot.base.tokens import hashtag_key, hashtags_of
from folkmoot.network.notifications.model import Kind
from folkmoot.network.posts.model import Mark, Visibility
from folkmoot.network.timelines.actions import rebuild_home
from tests.network_up import NetworkUp
from tests.village import HASH

TEXTS = 20_000
THREAD = 500  # replies to one post
FOLLOWED = 50  # accounts that each account follows, at most
FAVOURITES = 2  # one favourite for so many posts
WARM_HOMES = 2000
_VOCABULARY = 30_000
_YEARS = timedelta(days=730)
_COMMON = "se na dnes voda náves kašna ráno večer děti hrušky polévka harmonika lavička příště třicet říčka šťastně žito město kůň".split()
_SYLLABLES = "ba be bí ča če ďá ho chy já je ka ký le lí má mě ni nů po při ra ře sa ší ta tě u vá vy za zů že".split()
_TAGS = ["kašna", *(f"vesnice{number}" for number in range(200))]
_TABLES = ("accounts", "account_counts", "logins", "follows", "followers", "posts", "post_counts", "mentions", "hashtags",
           "post_hashtags", "marks", "favourites", "notifications")

# $1: how many, $2: the first millisecond, $3: milliseconds between two. A column `n` of 1, 2, 3 ...
_ID = "((($2::bigint + n * $3::bigint) << 22) | ({shard} << 10) | floor(random() * 1024)::bigint)"
_TIME = f"timestamptz '{FIRST_MOMENT:%Y-%m-%d} 00:00:00+00' + ($2::bigint + n * $3::bigint) * interval '1 millisecond'"
_SOMEBODY = "1 + floor($4::int * power(random(), 2))::int"  # one of $4 people, few of them often


class Words(NamedTuple):
    """What to search for, by the share of posts that have it."""

    rare: str
    common: str
    both: str
    accented: str


class Filled(NamedTuple):
    """What a reader of the filled network asks for."""

    star: int  # the account with the most posts, followers and notifications
    readers: Sequence[int]
    root: int  # the post with the long thread
    words: Words


def _texts(seed: random.Random) -> list[str]:
    vocabulary = [*_COMMON, *("".join(seed.choices(_SYLLABLES, k=seed.randint(2, 4))) for _ in range(_VOCABULARY))]
    texts = []
    for _ in range(TEXTS):
        words = [vocabulary[int(len(vocabulary) * seed.random() ** 5)] for _ in range(seed.randint(4, 24))]
        tags = [f"#{_TAGS[int(len(_TAGS) * seed.random() ** 4)]}"] if seed.random() < 0.3 else []
        texts.append(" ".join([*words, *tags]).capitalize())
    return texts


def _words(texts: Sequence[str]) -> Words:
    """The words whose shares come closest to what is wanted, counted as a search finds them: with all words that begin like them."""
    counts = Counter(word for text in texts for word in set(text.lower().split()) if not word.startswith("#"))
    begun = Counter[str]()
    for word, count in counts.items():
        [folded] = search_words(word)
        for end in range(1, len(folded) + 1):
            begun[folded[:end]] += count

    def closest(share: float, *, is_accented: bool = False) -> str:
        fit = [word for word in sorted(counts) if not is_accented or search_words(word) != [word]]
        return min(fit, key=lambda word: abs(begun[search_words(word)[0]] / len(texts) - share))

    return Words(closest(0.0001), counts.most_common(1)[0][0], f"{closest(0.02)} {closest(0.05)}", closest(0.01, is_accented=True))


async def fill(up: NetworkUp, posts: int) -> Filled:
    """Fills the network with this number of posts, of 800 accounts and one more for each hundred posts."""
    people, seed = 800 + posts // 100, random.Random(1)
    texts = _texts(seed)
    async with database_of(up) as database:
        async with database.write() as tx:
            await tx.execute("SET LOCAL statement_timeout = 0")
            await tx.execute("SET LOCAL session_replication_role = replica")
            await tx.execute("SET LOCAL maintenance_work_mem = '512MB'")
            indexes = await tx.fetch(
                "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS sql FROM pg_index"
                " WHERE indrelid = ANY ($1::text[]::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
                list(_TABLES),
            )
            for index in indexes:
                await tx.execute(f"DROP INDEX {index['name']}")
            await _insert_people(tx, people)
            await _insert_posts(tx, posts, people, texts)
            await _insert_favourites(tx, posts // FAVOURITES, people)
            await _insert_notifications(tx)
            for index in indexes:
                await tx.execute(index["sql"])
            row = await tx.fetchrow(
                "SELECT (SELECT id FROM people WHERE n = 1) AS star, (SELECT id FROM plan WHERE n = $1) AS root,"
                " (SELECT array_agg(id ORDER BY n) FROM people WHERE n > 1 AND n % greatest(1, $2::int / $3::int) = 0) AS homes",
                _root(posts), people, WARM_HOMES,
            )
        await _settle(database, row["homes"][:WARM_HOMES])
    return Filled(row["star"], row["homes"], row["root"], _words(texts))


def _root(posts: int) -> int:
    return posts // 10 * 10 - 10


def _milliseconds(before: timedelta) -> int:
    return (clock.now() - FIRST_MOMENT - before) // timedelta(milliseconds=1)


async def _insert_people(tx: WriteTx, people: int) -> None:
    """Accounts that can log in, and whom each of them follows."""
    times = people, _milliseconds(2 * _YEARS), _YEARS // timedelta(milliseconds=1) // people
    await tx.execute("CREATE TEMP TABLE people (n int PRIMARY KEY, id bigint NOT NULL) ON COMMIT DROP")
    id_ = _ID.format(shard="floor(random() * 4096)::bigint")
    await tx.execute(f"INSERT INTO people SELECT n, {id_} FROM generate_series(1, $1::int) AS n", *times)
    await tx.execute(
        f"""INSERT INTO accounts (id, username, username_key, display_name, search, created_at)
        SELECT id, 'soused' || n, 'soused' || n, 'Soused ' || (ARRAY['Tonda', 'Božena', 'Jiří', 'Žofie', 'Karel'])[1 + n % 5],
            array_to_tsvector(ARRAY['soused' || n, 'soused', (ARRAY['tonda', 'bozena', 'jiri', 'zofie', 'karel'])[1 + n % 5]]), {_TIME}
        FROM people WHERE n <= $1""", *times)
    await tx.execute(
        f"""INSERT INTO logins (account_id, email, email_key, password_hash, confirmed_at, approved_at, created_at)
        SELECT id, n || '@example.org', n || '@example.org', '{HASH}', {_TIME}, {_TIME}, {_TIME} FROM people WHERE n <= $1""", *times)
    await tx.execute(
        f"""INSERT INTO follows (account_id, target_id, id)
        SELECT account_id, target_id, {_ID.format(shard='1')} FROM (
            SELECT account_id, target_id, row_number() OVER () AS n FROM (
                SELECT DISTINCT one.id AS account_id, other.id AS target_id FROM (
                    SELECT id, {_SOMEBODY} AS target FROM people CROSS JOIN generate_series(1, $1::int)) AS one
                JOIN people AS other ON other.n = one.target WHERE other.id <> one.id) AS pairs) AS numbered""",
        FOLLOWED, _milliseconds(_YEARS), 1, people)
    await tx.execute("INSERT INTO followers (account_id, follower_id, id) SELECT target_id, account_id, id FROM follows")


async def _insert_posts(tx: WriteTx, posts: int, people: int, texts: Sequence[str]) -> None:
    await tx.execute("CREATE TEMP TABLE texts (n int PRIMARY KEY, text text, html text, search tsvector, tags text[]) ON COMMIT DROP")
    await tx.execute(
        "INSERT INTO texts SELECT n, text, html, array_to_tsvector(string_to_array(words, ' ')), string_to_array(tags, ' ')"
        " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS t (text, html, words, tags, n)",
        texts, [render(text, base_url="http://localhost") for text in texts], [" ".join(search_words(text)) for text in texts],
        [" ".join(map(hashtag_key, hashtags_of(text))) for text in texts],
    )
    await tx.execute("INSERT INTO hashtags (key, name) SELECT * FROM unnest($1::text[], $2::text[])", [*map(hashtag_key, _TAGS)], _TAGS)
    times = posts + THREAD, _milliseconds(_YEARS), _YEARS // timedelta(milliseconds=1) // (posts + THREAD)
    await tx.execute("CREATE TEMP TABLE plan (n int PRIMARY KEY, id bigint, account_id bigint, parent int, text int) ON COMMIT DROP")
    await tx.execute(
        f"""INSERT INTO plan
        SELECT n, {_ID.format(shard='(p.id >> 10 & 4095)')}, p.id, CASE
            WHEN n > $5 THEN CASE WHEN n % 2 = 0 OR n = $5 + 1 THEN $6 ELSE n - 1 END
            WHEN n % 10 = 9 THEN n - 9
            WHEN n % 10 > 5 AND n > 40 THEN n - n % 10 - 10 * back END, text
        FROM (SELECT n, {_SOMEBODY} AS author, 1 + floor({TEXTS} * random())::int AS text, floor(3 * random())::int AS back
              FROM generate_series(1, $1::int) AS n) AS drawn JOIN (SELECT n AS place, id FROM people) AS p ON p.place = drawn.author""",
        *times, people, posts, _root(posts))
    await tx.execute(
        f"""INSERT INTO posts (id, account_id, visibility, boost_of_id, boost_of_account_id, reply_to_id, reply_to_account_id,
            conversation_id, text, html, language, mentions, hashtags, search, created_at)
        SELECT o.id, o.account_id, CASE n % 20 WHEN 3 THEN {Visibility.FOLLOWERS:d} WHEN 5 THEN {Visibility.UNLISTED:d} ELSE 0 END,
            CASE WHEN is_boost THEN parent_id END, CASE WHEN is_boost THEN parent_account END,
            CASE WHEN NOT is_boost THEN parent_id END, CASE WHEN NOT is_boost THEN parent_account END,
            CASE WHEN n > $1 THEN $4 WHEN is_boost OR parent_id IS NULL THEN o.id ELSE parent_id END,
            CASE WHEN is_boost THEN '' ELSE t.text END, CASE WHEN is_boost THEN '' ELSE t.html END, 'cs', '[]',
            CASE WHEN is_boost THEN '{{}}' ELSE t.tags END, CASE WHEN NOT is_boost THEN t.search END, {_TIME}
        FROM (SELECT plan.*, b.id AS parent_id, b.account_id AS parent_account, plan.n % 10 = 9 AND plan.n <= $1 AS is_boost
              FROM plan LEFT JOIN plan AS b ON b.n = plan.parent) AS o
        JOIN (SELECT n AS place, text, html, search, tags FROM texts) AS t ON t.place = o.text""",
        posts, *times[1:], await tx.fetchval("SELECT id FROM plan WHERE n = $1", _root(posts)))
    await tx.execute("INSERT INTO post_hashtags (key, post_id) SELECT key, id FROM posts CROSS JOIN unnest(hashtags) AS key")
    await tx.execute("INSERT INTO mentions (account_id, post_id)"
                     " SELECT reply_to_account_id, id FROM posts WHERE reply_to_account_id <> account_id")
    await tx.execute(
        "INSERT INTO account_counts (account_id, posts, followers, following, last_post_at)"
        " SELECT id, coalesce(p.posts, 0), (SELECT count(*) FROM followers WHERE account_id = people.id),"
        " (SELECT count(*) FROM follows WHERE account_id = people.id), p.last FROM people"
        " LEFT JOIN (SELECT account_id, count(*) AS posts, max(created_at) AS last FROM posts GROUP BY 1) AS p ON p.account_id = people.id"
    )


async def _insert_favourites(tx: WriteTx, favourites: int, people: int) -> None:
    times = favourites, _milliseconds(_YEARS), _YEARS // timedelta(milliseconds=1) // favourites
    await tx.execute(
        f"""INSERT INTO favourites (account_id, id, post_id)
        SELECT account_id, {_ID.format(shard='2')}, post_id FROM (
            SELECT DISTINCT ON (p.id, plan.id) p.id AS account_id, plan.id AS post_id, d.n
            FROM (SELECT n, {_SOMEBODY} AS who, 10 * (1 + floor(power(random(), 2) * ($5::int / 10 - 2))::int) AS what
                  FROM generate_series(1, $1::int) AS n) AS d
            JOIN people AS p ON p.n = d.who JOIN plan ON plan.n = d.what) AS drawn""",
        *times, people, favourites * FAVOURITES)
    await tx.execute(f"INSERT INTO marks (account_id, post_id, bits) SELECT account_id, post_id, {Mark.FAVOURITE:d} FROM favourites")
    await tx.execute(
        "INSERT INTO post_counts (post_id, replies, boosts, favourites)"
        " SELECT post_id, sum(r), sum(b), sum(f) FROM (SELECT post_id, 0 AS r, 0 AS b, 1 AS f FROM favourites"
        " UNION ALL SELECT coalesce(reply_to_id, boost_of_id), (reply_to_id IS NOT NULL)::int, (boost_of_id IS NOT NULL)::int, 0"
        " FROM posts WHERE coalesce(reply_to_id, boost_of_id) IS NOT NULL) AS counted GROUP BY post_id"
    )


async def _insert_notifications(tx: WriteTx) -> None:
    """Of replies and boosts, with their ids, and of favourites."""
    await tx.execute(
        f"""INSERT INTO notifications (account_id, id, kind, from_id, post_id, created_at)
        SELECT coalesce(reply_to_account_id, boost_of_account_id), id,
            CASE WHEN boost_of_id IS NULL THEN '{Kind.MENTION}' ELSE '{Kind.BOOST}' END, account_id, coalesce(boost_of_id, id), created_at
        FROM posts WHERE coalesce(reply_to_account_id, boost_of_account_id) <> account_id""")
    await tx.execute(
        f"""INSERT INTO notifications (account_id, id, kind, from_id, post_id, created_at)
        SELECT p.account_id, f.id, '{Kind.FAVOURITE}', f.account_id, p.id, p.created_at
        FROM favourites AS f JOIN posts AS p ON p.id = f.post_id WHERE p.account_id <> f.account_id""")


async def _settle(database: Database, readers: Sequence[int]) -> None:
    """What happens by itself in a network that grows slowly: statistics, the visibility map, warm homes."""
    connection = await database.connect("growth")
    await connection.execute("SET statement_timeout = 0")
    await connection.execute("VACUUM (ANALYZE)")
    await connection.close()
    async with database.cache() as cache:
        for reader in readers:
            await rebuild_home(cache, reader)
